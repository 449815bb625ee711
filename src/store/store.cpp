#include "store/store.hpp"

#include <unistd.h>

#include "os/files/files.hpp"
#include "store/database.hpp"
#include "store/lock.hpp"
#include "store/snapshot.hpp"

namespace furrow::store {

namespace {

constexpr std::int64_t kSchemaVersion = 1;

// What reading all rows needs comes first: long texts behind it may overflow a page without being read.
constexpr const char* kSchema = R"(
BEGIN;
CREATE TABLE job(
  key TEXT NOT NULL PRIMARY KEY, phase INTEGER NOT NULL, rule TEXT NOT NULL, params_hash INTEGER NOT NULL,
  code_hash INTEGER NOT NULL, started_at REAL NOT NULL, finished_at REAL NOT NULL, outputs BLOB NOT NULL, inputs BLOB NOT NULL,
  wildcards TEXT NOT NULL, status INTEGER NOT NULL, signal INTEGER NOT NULL, attempt INTEGER NOT NULL, threads INTEGER NOT NULL,
  user_s REAL NOT NULL, system_s REAL NOT NULL, max_rss_kb INTEGER NOT NULL, params TEXT NOT NULL, command TEXT NOT NULL,
  host TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE meta(name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('clean', 1);
PRAGMA user_version = 1;
COMMIT;
)";

constexpr const char* kPut =
    "INSERT OR REPLACE INTO job "
    "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20)";
constexpr const char* kFind = "SELECT * FROM job WHERE key = ?1";
constexpr const char* kUnfinished = "SELECT * FROM job WHERE phase = 1 ORDER BY key";
constexpr const char* kAll =
    "SELECT key, phase, rule, params_hash, code_hash, started_at, finished_at, outputs, inputs FROM job "
    "ORDER BY key";

JobRecord record_of(const Statement& row) {
  JobRecord record;
  record.key = row.text(0);
  record.phase = static_cast<JobPhase>(row.integer(1));
  record.rule = row.text(2);
  record.params_hash = static_cast<std::uint64_t>(row.integer(3));
  record.code_hash = static_cast<std::uint64_t>(row.integer(4));
  record.started_at = row.real(5);
  record.finished_at = row.real(6);
  record.outputs = unpack_stamps(record.key, row.bytes(7));
  record.inputs = unpack_stamps(record.key, row.bytes(8));
  record.wildcards = row.text(9);
  record.status = static_cast<int>(row.integer(10));
  record.signal = static_cast<int>(row.integer(11));
  record.attempt = static_cast<int>(row.integer(12));
  record.threads = static_cast<int>(row.integer(13));
  record.user_s = row.real(14);
  record.system_s = row.real(15);
  record.max_rss_kb = row.integer(16);
  record.params = row.text(17);
  record.command = row.text(18);
  record.host = row.text(19);
  return record;
}

// OUTPUTS and INPUTS are packed already, and must live until the statement has run; so must the record.
void bind_record(Statement& put, const JobRecord& record, const std::string& outputs,
                 const std::string& inputs) {
  const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
  put.bind(1, record.key);
  put.bind(2, number(record.phase));
  put.bind(3, record.rule);
  put.bind(4, number(record.params_hash));
  put.bind(5, number(record.code_hash));
  put.bind(6, record.started_at);
  put.bind(7, record.finished_at);
  put.bind_bytes(8, outputs);
  put.bind_bytes(9, inputs);
  put.bind(10, record.wildcards);
  put.bind(11, number(record.status));
  put.bind(12, number(record.signal));
  put.bind(13, number(record.attempt));
  put.bind(14, number(record.threads));
  put.bind(15, record.user_s);
  put.bind(16, record.system_s);
  put.bind(17, record.max_rss_kb);
  put.bind(18, record.params);
  put.bind(19, record.command);
  put.bind(20, record.host);
}

void read_row(const Statement& all, JobRow& row) {
  row.key = all.text(0);
  row.phase = static_cast<JobPhase>(all.integer(1));
  row.rule = all.text(2);
  row.params_hash = static_cast<std::uint64_t>(all.integer(3));
  row.code_hash = static_cast<std::uint64_t>(all.integer(4));
  row.started_at = all.real(5);
  row.finished_at = all.real(6);
  row.outputs.reset(row.key, all.bytes(7));
  row.inputs.reset(row.key, all.bytes(8));
}

Error newer(const std::string& path, std::int64_t version) {
  return Error{"the store " + path + " was written by a newer furrow (its version is " +
                   std::to_string(version) + ", this program knows " + std::to_string(kSchemaVersion) + ")",
               "", 0, "Use the newer program, or move " + os::parent_of(path) + " away."};
}

Error read_only_error() { return Error{"the store is open for reading only"}; }

}  // namespace

struct Store::State {
  // In this order: the database is closed before the lock goes, or before its copy does.
  FolderLock lock;
  Snapshot snapshot;
  Database database;
  Statement begin, commit, rollback, put, erase, set_clean;
  bool read_only = false;
  bool was_clean = true;
  bool wrote = false;           // committed anything since it was opened
  std::optional<Error> failed;  // of the transaction that was undone

  bool exists() const { return database.is_open(); }  // false where a read-only store is not there at all
  Result<void> open_database(const std::string& path);
  Result<void> create();
  Result<void> prepare_writing();
  Result<void> set_clean_to(bool clean);
  Result<void> write(Statement& statement);
};

Result<void> Store::State::open_database(const std::string& path) {
  auto opened = Database::open(path, SQLITE_OPEN_READWRITE | (read_only ? 0 : SQLITE_OPEN_CREATE));
  if (!opened) return fail(opened.error());
  database = std::move(*opened);
  // Exclusive: the index of the log lives in this process's memory, so that no shared memory is needed
  // (network file systems). No sync while the store is made: there is nothing yet that could be lost.
  if (auto set = database.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF"); !set)
    return set;
  const auto version = database.number("PRAGMA user_version");
  if (!version) return fail(version.error());
  if (*version > kSchemaVersion) return fail(newer(path, *version));
  if (*version == 0) {
    const auto tables = database.number("SELECT count(*) FROM sqlite_schema");
    if (!tables) return fail(tables.error());
    if (*tables != 0) return fail(database.error(SQLITE_NOTADB));
    if (read_only) return database.close(), Result<void>();  // it is being made at this moment
    if (auto created = create(); !created) return created;
  }
  const auto clean = database.number("SELECT value FROM meta WHERE name = 'clean'");
  if (!clean) return fail(clean.error());
  was_clean = *clean != 0;
  return database.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000");
}

Result<void> Store::State::create() {
  if (auto set = database.execute("PRAGMA journal_mode = WAL"); !set) return set;
  return database.execute(kSchema);
}

Result<void> Store::State::prepare_writing() {
  const std::pair<Statement*, const char*> all[] = {
      {&begin, "BEGIN IMMEDIATE"},
      {&commit, "COMMIT"},
      {&rollback, "ROLLBACK"},
      {&put, kPut},
      {&erase, "DELETE FROM job WHERE key = ?1"},
      {&set_clean, "UPDATE meta SET value = ?1 WHERE name = 'clean'"}};
  for (const auto& [statement, sql] : all) {
    auto prepared = database.prepare(sql);
    if (!prepared) return fail(prepared.error());
    *statement = std::move(*prepared);
  }
  return {};
}

Result<void> Store::State::set_clean_to(bool clean) {
  set_clean.bind(1, std::int64_t{clean});
  return write(set_clean);
}

// Runs a statement of a transaction; a failure undoes all of that.
Result<void> Store::State::write(Statement& statement) {
  auto done = database.run(statement);
  if (done) return {};
  failed = done.error();
  if (database.in_transaction()) (void)database.run(rollback);
  return done;
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& folder, double wait_s) {
  auto state = std::make_unique<State>();
  if (auto made = os::make_directories(folder); !made) return fail(made.error());
  auto lock = FolderLock::take(folder + "/lock", wait_s);
  if (!lock) return fail(lock.error());
  state->lock = std::move(*lock);
  if (auto opened = state->open_database(folder + "/furrow.db"); !opened) return fail(opened.error());
  if (auto prepared = state->prepare_writing(); !prepared) return fail(prepared.error());
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Result<std::unique_ptr<Store>> Store::open_readonly(const std::string& folder) {
  auto state = std::make_unique<State>();
  state->read_only = true;
  const std::string path = folder + "/furrow.db";
  // A file without content is a store that is being made.
  if (os::status(path).size > 0) {
    auto snapshot = Snapshot::take(path);
    if (!snapshot) return fail(snapshot.error());
    state->snapshot = std::move(*snapshot);
    auto opened = state->open_database(state->snapshot.database());
    if (!opened) return fail(opened.error());
  }
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

int Store::lock_fd() const { return state_->lock.fd(); }

Result<void> Store::begin() {
  if (state_->read_only) return fail(read_only_error());
  state_->failed.reset();
  if (auto begun = state_->write(state_->begin); !begun) return begun;
  return state_->wrote ? Result<void>() : state_->set_clean_to(false);
}

Result<void> Store::put(const JobRecord& record) {
  if (state_->read_only) return fail(read_only_error());
  if (state_->failed) return fail(*state_->failed);
  const std::string outputs = pack_stamps(record.key, record.outputs);
  const std::string inputs = pack_stamps(record.key, record.inputs);
  bind_record(state_->put, record, outputs, inputs);
  return state_->write(state_->put);
}

Result<void> Store::erase(std::string_view key) {
  if (state_->read_only) return fail(read_only_error());
  if (state_->failed) return fail(*state_->failed);
  state_->erase.bind(1, key);
  return state_->write(state_->erase);
}

Result<void> Store::commit() {
  if (state_->read_only) return fail(read_only_error());
  if (state_->failed) return fail(*state_->failed);
  if (auto committed = state_->write(state_->commit); !committed) return committed;
  state_->wrote = true;
  return {};
}

Result<std::optional<JobRecord>> Store::find(std::string_view key) {
  if (!state_->exists()) return std::optional<JobRecord>();
  auto statement = state_->database.prepare(kFind);
  if (!statement) return fail(statement.error());
  statement->bind(1, key);
  const int code = statement->step();
  if (code == SQLITE_DONE) return std::optional<JobRecord>();
  if (code != SQLITE_ROW) return fail(state_->database.error(code));
  return record_of(*statement);
}

Result<void> Store::for_each(const std::function<void(JobRow& row)>& callback) {
  if (!state_->exists()) return {};
  auto all = state_->database.prepare(kAll);
  if (!all) return fail(all.error());
  JobRow row;
  int code = 0;
  while ((code = all->step()) == SQLITE_ROW) {
    read_row(*all, row);
    callback(row);
  }
  if (code != SQLITE_DONE) return fail(state_->database.error(code));
  return {};
}

Result<std::vector<JobRecord>> Store::unfinished() {
  std::vector<JobRecord> records;
  if (!state_->exists()) return records;
  auto statement = state_->database.prepare(kUnfinished);
  if (!statement) return fail(statement.error());
  int code = 0;
  while ((code = statement->step()) == SQLITE_ROW) records.push_back(record_of(*statement));
  if (code != SQLITE_DONE) return fail(state_->database.error(code));
  return records;
}

bool Store::ended_cleanly() const { return state_->was_clean; }

Result<void> Store::close_cleanly() {
  State& state = *state_;
  if (state.exists() && !state.read_only && (state.wrote || !state.was_clean)) {
    if (state.database.in_transaction()) return fail("the store was closed in the middle of a transaction");
    if (auto set = state.set_clean_to(true); !set) return set;
    if (auto moved = state.database.checkpoint(); !moved) return moved;
  }
  state_ = std::make_unique<State>();
  state_->read_only = true;
  return {};
}

}  // namespace furrow::store
