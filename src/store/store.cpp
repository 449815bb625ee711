#include "store/store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "os/files/descriptor.hpp"
#include "os/files/files.hpp"
#include "os/process/disk_syncer.hpp"
#include "store/database.hpp"
#include "store/lock.hpp"
#include "store/run_journal.hpp"
#include "store/schema.hpp"
#include "store/snapshot.hpp"

namespace furrow::store {

namespace {

constexpr const char* kPut =
    "INSERT OR REPLACE INTO job "
    "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23)";
constexpr double kWaitForDisk_s = 1;

constexpr const char* kFind = "SELECT * FROM job WHERE key = ?1";
constexpr const char* kAll =
    "SELECT key, phase, rule, params_hash, code_hash, param_hashes, started_at, finished_at, commit_number, "
    "checksum, outputs, inputs FROM job ORDER BY key";

// Hashes are stored as they lie in memory.
std::string_view bytes_of(const std::vector<std::uint64_t>& hashes) {
  return {reinterpret_cast<const char*>(hashes.data()), hashes.size() * sizeof(std::uint64_t)};
}

// Of all that decides whether the job runs again; never 0.
std::uint64_t checksum_of(std::string_view key, std::int64_t phase, std::string_view rule,
                          std::int64_t params_hash, std::int64_t code_hash, std::string_view param_hashes,
                          double started_at, double finished_at, std::int64_t commit,
                          std::string_view outputs, std::string_view inputs) {
  std::uint64_t numbers[6] = {static_cast<std::uint64_t>(phase), static_cast<std::uint64_t>(params_hash),
                              static_cast<std::uint64_t>(code_hash), static_cast<std::uint64_t>(commit)};
  std::memcpy(&numbers[4], &started_at, sizeof started_at);
  std::memcpy(&numbers[5], &finished_at, sizeof finished_at);
  std::uint64_t hash = hash64({reinterpret_cast<const char*>(numbers), sizeof numbers});
  for (const std::string_view text : {key, rule, param_hashes, outputs, inputs}) hash = hash64(text, hash);
  return hash == 0 ? 1 : hash;
}

// Records of older versions have the commit 0 and no checksum.
bool is_damaged(const Statement& row) {
  const std::int64_t commit = row.integer(8), checksum = row.integer(9);
  if (commit == 0 && checksum == 0) return false;
  return static_cast<std::uint64_t>(checksum) !=
         checksum_of(row.text(0), row.integer(1), row.text(2), row.integer(3), row.integer(4), row.bytes(5),
                     row.real(6), row.real(7), commit, row.bytes(10), row.bytes(11));
}

JobRecord record_of(const Statement& row) {
  JobRecord record;
  record.key = row.text(0);
  record.phase = static_cast<JobPhase>(row.integer(1));
  record.rule = row.text(2);
  record.params_hash = static_cast<std::uint64_t>(row.integer(3));
  record.code_hash = static_cast<std::uint64_t>(row.integer(4));
  record.param_hashes = unpack_hashes(row.bytes(5));
  record.started_at = row.real(6);
  record.finished_at = row.real(7);
  record.commit = row.integer(8);
  record.outputs = unpack_stamps(record.key, row.bytes(10));
  record.inputs = unpack_stamps(record.key, row.bytes(11));
  record.wildcards = row.text(12);
  record.status = static_cast<int>(row.integer(13));
  record.signal = static_cast<int>(row.integer(14));
  record.attempt = static_cast<int>(row.integer(15));
  record.threads = static_cast<int>(row.integer(16));
  record.user_s = row.real(17);
  record.system_s = row.real(18);
  record.max_rss_kb = row.integer(19);
  record.params = row.text(20);
  record.command = row.text(21);
  record.host = row.text(22);
  return record;
}

// OUTPUTS and INPUTS are packed. They and RECORD must live until the statement has run.
void bind_record(Statement& put, const JobRecord& record, std::int64_t commit, const std::string& outputs,
                 const std::string& inputs) {
  const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
  put.bind(1, record.key);
  put.bind(2, number(record.phase));
  put.bind(3, record.rule);
  put.bind(4, number(record.params_hash));
  put.bind(5, number(record.code_hash));
  put.bind_bytes(6, bytes_of(record.param_hashes));
  put.bind(7, record.started_at);
  put.bind(8, record.finished_at);
  put.bind(9, commit);
  put.bind(10, number(checksum_of(record.key, number(record.phase), record.rule, number(record.params_hash),
                                  number(record.code_hash), bytes_of(record.param_hashes), record.started_at,
                                  record.finished_at, commit, outputs, inputs)));
  put.bind_bytes(11, outputs);
  put.bind_bytes(12, inputs);
  put.bind(13, record.wildcards);
  put.bind(14, number(record.status));
  put.bind(15, number(record.signal));
  put.bind(16, number(record.attempt));
  put.bind(17, number(record.threads));
  put.bind(18, record.user_s);
  put.bind(19, record.system_s);
  put.bind(20, record.max_rss_kb);
  put.bind(21, record.params);
  put.bind(22, record.command);
  put.bind(23, record.host);
}

void read_row(const Statement& all, JobRow& row) {
  row.key = all.text(0);
  row.phase = static_cast<JobPhase>(all.integer(1));
  row.rule = all.text(2);
  row.params_hash = static_cast<std::uint64_t>(all.integer(3));
  row.code_hash = static_cast<std::uint64_t>(all.integer(4));
  row.param_hashes = all.bytes(5);
  row.started_at = all.real(6);
  row.finished_at = all.real(7);
  row.commit = all.integer(8);
  row.is_damaged = is_damaged(all);
  row.outputs.reset(row.key, all.bytes(10));
  row.inputs.reset(row.key, all.bytes(11));
}

Error newer(const std::string& path, std::int64_t version) {
  return Error{"the store " + path + " was written by a newer furrow (its version is " +
                   std::to_string(version) + ", this program knows " + std::to_string(kSchemaVersion) + ")",
               "", 0, "Use the newer program, or move " + os::parent_of(path) + " away."};
}

// SQLite makes a new database readable for all and writable for its owner. This way it follows the umask, and its log
// follows the database.
Result<void> make_database_file(const std::string& path) {
  const os::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (file.get() >= 0) return {};
  const bool is_forbidden = errno == EACCES;
  Error error = system_error("cannot write the store " + path);
  if (is_forbidden)
    error.hint = "Another user has made it: let the group write it (chmod -R g+w " + os::parent_of(path) +
                 "), with umask 002 from then on; or run in a directory of your own.";
  return fail(std::move(error));
}

Error read_only_error() { return Error{"the store is open for reading only"}; }

}  // namespace

std::vector<std::uint64_t> unpack_hashes(std::string_view bytes) {
  std::vector<std::uint64_t> hashes(bytes.size() / sizeof(std::uint64_t));
  if (!hashes.empty()) std::memcpy(hashes.data(), bytes.data(), hashes.size() * sizeof(std::uint64_t));
  return hashes;
}

struct Store::State {
  // In this order, so that the database is closed before the lock is released and before its copy is removed.
  FolderLock lock;
  Snapshot snapshot;
  Database database;
  Statement begin, commit, rollback, put, erase, set_clean;
  JournalState known;
  RunJournal journal;
  std::unique_ptr<os::DiskSyncer> syncer;     // set while jobs may run
  std::int64_t commits = 0, rows = 0;         // in the database, as far as is known
  std::unordered_set<std::uint64_t> trusted;  // hashes of keys that are no longer in doubt
  bool has_put = false;                       // this transaction has a number
  bool has_erased = false;                    // records, as it was asked to
  bool has_lost = false;                      // records
  bool read_only = false;
  bool was_clean = true;
  bool wrote = false;           // whether anything was committed since it was opened
  std::optional<Error> failed;  // why the transaction was undone
  std::string file;             // the database

  bool exists() const { return database.is_open(); }  // false if it is read-only and there is no store
  Result<void> open_database(const std::string& path);
  Result<void> open_journal(const std::string& folder);
  Result<void> count_all();
  void compare_counts(std::int64_t seen_commits, std::int64_t seen_rows);
  void start_syncer();
  bool is_on_disk();
  Doubt doubt_left() const;
  Result<void> prepare_writing();
  Result<void> set_clean_to(bool clean);
  Result<void> write(Statement& statement);
};

Result<void> Store::State::open_database(const std::string& path) {
  auto opened =
      FURROW_TRY(Database::open(path, SQLITE_OPEN_READWRITE | (read_only ? 0 : SQLITE_OPEN_CREATE)));
  database = std::move(opened);
  // Exclusive: the index of the log lives in this process's memory, so no shared memory is needed, which
  // network file systems lack. No sync while the store is created: there is nothing to lose yet.
  if (auto set = database.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF"); !set)
    return set;
  const auto version = FURROW_TRY(database.number("PRAGMA user_version"));
  if (version > kSchemaVersion) return fail(newer(path, version));
  if (version == 0) {
    const auto tables = FURROW_TRY(database.number("SELECT count(*) FROM sqlite_schema"));
    if (tables != 0) return fail(database.error(SQLITE_NOTADB));
    if (read_only) return database.close(), Result<void>();  // another process is creating it
    FURROW_TRY(create_schema(database));
  }
  const auto clean = database.number("SELECT value FROM meta WHERE name = 'clean'");
  if (!clean) return fail(clean.error());
  was_clean = *clean != 0;
  has_lost = FURROW_TRY(database.number("SELECT count(*) FROM meta WHERE name = 'lost'")) != 0;
  FURROW_TRY(database.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000"));
  return version == 0 ? Result<void>() : upgrade_schema(database, version);
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
    auto prepared = FURROW_TRY(database.prepare(sql));
    *statement = std::move(prepared);
  }
  return {};
}

Result<void> Store::State::set_clean_to(bool clean) {
  set_clean.bind(1, std::int64_t{clean});
  return write(set_clean);
}

// How many commits there were is only looked up where the journal cannot know.
Result<void> Store::State::open_journal(const std::string& folder) {
  journal = FURROW_TRY(RunJournal::open(folder + "/journal", known));
  if (!known.is_open && !known.is_stale && known.commits > 0) {
    commits = known.commits;
    rows = known.rows;
    return {};
  }
  FURROW_TRY(count_all());
  known.doubt.to = std::min(known.doubt.to, commits);
  return {};
}

Result<void> Store::State::count_all() {
  auto count = FURROW_TRY(database.prepare("SELECT max(commit_number), count(*) FROM job"));
  if (const int code = count.step(); code != SQLITE_ROW) return fail(database.error(code));
  compare_counts(count.integer(0), count.integer(1));
  return {};
}

void Store::State::compare_counts(std::int64_t seen_commits, std::int64_t seen_rows) {
  if (!wrote && (seen_commits < known.commits || seen_rows < known.rows)) {
    FURROW_LOG(store, info, "records are lost: {} of {}, up to commit {} of {}", seen_rows, known.rows,
               seen_commits, known.commits);
    has_lost = true;
  }
  // What was erased is not missed afterwards.
  commits = has_erased ? seen_commits : std::max({commits, seen_commits, known.commits});
  rows = has_erased ? seen_rows : std::max(rows, seen_rows);
}

Doubt Store::State::doubt_left() const {
  Doubt doubt = known.doubt;
  std::erase_if(doubt.keys, [this](std::uint64_t key) { return trusted.contains(key); });
  return doubt;
}

// Waits a moment for the disk.
bool Store::State::is_on_disk() {
  if (!syncer && known.is_open) {  // what a killed run has made
    start_syncer();
    if (syncer) syncer->wrote(commits);
  }
  return syncer ? syncer->finish(kWaitForDisk_s) : !known.is_open;
}

// If the system refuses a process, the store becomes durable when it is closed.
void Store::State::start_syncer() {
  auto started = os::DiskSyncer::start(journal.fd(), known.is_open, [fd = journal.fd()](std::int64_t number) {
    RunJournal::add_point(fd, number);
  });
  if (!started) return;
  syncer = std::move(*started);
  syncer->add(os::parent_of(file));
}

// Runs a statement of a transaction. A failure undoes the whole transaction.
Result<void> Store::State::write(Statement& statement) {
  auto done = database.run(statement);
  if (done) return {};
  failed = done.error();
  FURROW_LOG(store, info, "a transaction is undone: {}", failed->message);
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
  FURROW_TRY(make_database_file(folder + "/furrow.db"));
  state->file = folder + "/furrow.db";
  state->known = RunJournal::read(folder + "/journal");
  if (auto opened = state->open_database(state->file); !opened) return fail(opened.error());
  FURROW_TRY(state->open_journal(folder));
  if (auto prepared = state->prepare_writing(); !prepared) return fail(prepared.error());
  FURROW_LOG(store, info, "{} is open for writing, {}", folder,
             state->was_clean ? "and was closed cleanly" : "recovered after a run that was killed");
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Result<std::unique_ptr<Store>> Store::open_readonly(const std::string& folder) {
  auto state = std::make_unique<State>();
  state->read_only = true;
  const std::string path = folder + "/furrow.db";
  // An empty file is a store that another process is creating.
  if (os::status(path).size > 0) {
    state->known = RunJournal::read(folder + "/journal");  // first, since the database only grows
    auto snapshot = Snapshot::take(path);
    if (!snapshot) return fail(snapshot.error());
    state->snapshot = std::move(*snapshot);
    FURROW_TRY(state->open_database(state->snapshot.database()));
    FURROW_LOG(store, info, "{} is open for reading, as a copy in {}", folder, state->snapshot.database());
  }
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

int Store::lock_fd() const { return state_->lock.fd(); }

Result<void> Store::expect(const std::vector<std::string>& keys, bool any_key) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(keys.size());
  for (const std::string& key : keys) hashes.push_back(hash64(key));
  const Doubt doubt = state_->doubt_left();
  const bool is_stale = std::exchange(state_->known.is_stale, false);
  return state_->journal.begin(state_->commits, state_->rows, hashes, any_key, is_stale ? &doubt : nullptr);
}

Result<void> Store::begin_jobs(const std::string& run) {
  state_->start_syncer();
  return state_->lock.begin_jobs(run);
}

void Store::made_in(std::string_view path) {
  if (state_->syncer) state_->syncer->add(path);
}

const std::vector<os::Survivor>& Store::ended_survivors() const { return state_->lock.ended(); }

Result<void> Store::begin() {
  if (state_->read_only) return fail(read_only_error());
  state_->failed.reset();
  state_->has_put = false;
  FURROW_TRY(state_->write(state_->begin));
  if (state_->wrote) return {};
  if (state_->has_lost) {
    FURROW_TRY(state_->database.execute("INSERT OR REPLACE INTO meta VALUES('lost', 1)"));
  }
  return state_->set_clean_to(false);
}

Result<void> Store::put(const JobRecord& record) {
  if (state_->read_only) return fail(read_only_error());
  if (state_->failed) return fail(*state_->failed);
  const std::string outputs = pack_stamps(record.key, record.outputs);
  const std::string inputs = pack_stamps(record.key, record.inputs);
  if (!std::exchange(state_->has_put, true)) ++state_->commits;
  if (state_->known.doubt.exists() && record.phase == JobPhase::kFinished) trust(record.key);
  bind_record(state_->put, record, state_->commits, outputs, inputs);
  return state_->write(state_->put);
}

Result<void> Store::erase(std::string_view key) {
  if (state_->read_only) return fail(read_only_error());
  if (state_->failed) return fail(*state_->failed);
  state_->erase.bind(1, key);
  state_->has_erased = true;
  return state_->write(state_->erase);
}

Result<void> Store::commit() {
  if (state_->read_only) return fail(read_only_error());
  if (state_->failed) return fail(*state_->failed);
  FURROW_TRY(state_->write(state_->commit));
  state_->wrote = true;
  if (state_->has_put && state_->syncer) state_->syncer->wrote(state_->commits);
  return {};
}

Result<std::optional<JobRecord>> Store::find(std::string_view key) {
  if (!state_->exists()) return std::optional<JobRecord>();
  auto statement = FURROW_TRY(state_->database.prepare(kFind));
  statement.bind(1, key);
  const int code = statement.step();
  if (code == SQLITE_DONE) return std::optional<JobRecord>();
  if (code != SQLITE_ROW) return fail(state_->database.error(code));
  if (is_damaged(statement)) {
    state_->has_lost = true;
    return std::optional<JobRecord>();
  }
  return record_of(statement);
}

Result<void> Store::for_each(const std::function<void(JobRow& row)>& callback) {
  if (!state_->exists()) return {};
  auto all = FURROW_TRY(state_->database.prepare(kAll));
  JobRow row;
  int code = 0;
  std::int64_t commits = 0, rows = 0;
  std::string previous;
  while ((code = all.step()) == SQLITE_ROW) {
    read_row(all, row);
    // Damage to a page's list of its rows can show one of them twice, in place of another.
    const bool is_in_order = rows++ == 0 || previous < row.key;
    if (row.is_damaged || !is_in_order)
      state_->has_lost = true;
    else
      commits = std::max(commits, row.commit);
    previous = row.key;
    callback(row);
  }
  if (code != SQLITE_DONE) return fail(state_->database.error(code));
  state_->compare_counts(commits, rows);
  return {};
}

bool Store::has_doubts() const { return state_->known.doubt.exists(); }
bool Store::is_in_doubt(std::string_view key, std::int64_t commit) const {
  return commit <= state_->known.doubt.to && state_->known.doubt.has(key);
}
bool Store::was_durable(std::int64_t commit) const { return commit <= state_->known.doubt.from; }
void Store::trust(std::string_view key) { state_->trusted.insert(hash64(key)); }
bool Store::was_expected(std::string_view key) const { return state_->known.is_planned(key); }
bool Store::has_killed_run() const { return state_->known.is_open; }
bool Store::has_lost_records() const { return state_->has_lost; }
Result<void> Store::count_records() { return state_->exists() ? state_->count_all() : Result<void>(); }

bool Store::ended_cleanly() const { return state_->was_clean; }

Result<void> Store::close_cleanly() {
  State& state = *state_;
  const bool has_changed = state.wrote || !state.was_clean || state.known.is_open || !state.trusted.empty();
  if (state.exists() && !state.read_only && has_changed) {
    if (state.database.in_transaction()) return fail("the store was closed in the middle of a transaction");
    const bool is_durable = state.is_on_disk();
    FURROW_TRY(state.set_clean_to(true));
    if (is_durable) {
      FURROW_TRY(state.database.checkpoint());
      FURROW_TRY(state.count_all());
      FURROW_TRY(state.journal.close(state.commits, state.rows, state.doubt_left()));
    } else {
      state.database.keep_log();
    }
    FURROW_LOG(store, info, "the store is closed cleanly{}", is_durable ? "" : ", but the disk is not done");
  }
  state_ = std::make_unique<State>();
  state_->read_only = true;
  return {};
}

}  // namespace furrow::store
