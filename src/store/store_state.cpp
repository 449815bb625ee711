#include "store/store_state.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "os/files/descriptor.hpp"
#include "os/files/files.hpp"
#include "os/files/sync_folder.hpp"
#include "store/job_rows.hpp"
#include "store/schema.hpp"

namespace furrow::store {

namespace {

constexpr double kWaitForDisk_s = 1;

Error newer(const std::string& path, std::int64_t version) {
  return Error{"the store " + path + " was written by a newer furrow (its version is " +
                   std::to_string(version) + ", this program knows " + std::to_string(kSchemaVersion) + ")",
               "", 0, "Use the newer program, or move " + os::parent_of(path) + " away."};
}

Error newer_journal(const std::string& folder) {
  return Error{"a journal in " + folder + " was written by a newer furrow", "", 0,
               "Use the newer program, or move " + folder + " away."};
}

}  // namespace

Result<void> Store::State::open_database(const std::string& path) {
  auto opened =
      FURROW_TRY(Database::open(path, SQLITE_OPEN_READWRITE | (is_reader() ? 0 : SQLITE_OPEN_CREATE)));
  find = {};
  database = std::move(opened);
  // Exclusive: the index of the log lives in this process's memory, so no shared memory is needed, which
  // network file systems lack. Nothing is synced before writing begins.
  if (auto set = database.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF"); !set)
    return set;
  const auto version = FURROW_TRY(database.number("PRAGMA user_version"));
  if (version > kSchemaVersion) return fail(newer(path, version));
  if (version == 0) {
    const auto tables = FURROW_TRY(database.number("SELECT count(*) FROM sqlite_schema"));
    if (tables != 0) return fail(database.error(SQLITE_NOTADB));
    if (is_reader()) return database.close(), Result<void>();  // another process is creating it
    FURROW_TRY(create_schema(database));
  }
  const auto clean = database.number("SELECT value FROM meta WHERE name = 'clean'");
  if (!clean) return fail(clean.error());
  was_clean = *clean != 0;
  has_lost = FURROW_TRY(database.number("SELECT count(*) FROM meta WHERE name = 'lost'")) != 0;
  if (is_writer()) {
    FURROW_TRY(database.execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000"));
  }
  return version == 0 ? Result<void>() : upgrade_schema(database, version);
}

Result<void> Store::State::prepare_writing() {
  const std::pair<Statement*, const char*> all[] = {
      {&begin, "BEGIN IMMEDIATE"},
      {&commit, "COMMIT"},
      {&rollback, "ROLLBACK"},
      {&put, kPut},
      {&erase, kErase},
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
Result<void> Store::State::find_counts() {
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
  if (!wrote && !has_erased && (seen_commits < known.commits || seen_rows < known.rows)) {
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
  if (!syncer && is_writer() && known.is_open) {  // what a killed run has made
    start_syncer();
    if (syncer) syncer->wrote(commits);
  }
  return syncer ? syncer->finish(kWaitForDisk_s) : !is_writer() || !known.is_open;
}

// If the system refuses a process, the store becomes durable when it is closed.
void Store::State::start_syncer() {
  const bool everything = is_writer() && known.is_open;
  auto started = os::DiskSyncer::start(journal.fd(), everything, [fd = journal.fd()](std::int64_t number) {
    RunJournal::add_point(fd, number);
  });
  if (!started) return;
  syncer = std::move(*started);
  syncer->add(folder);
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

// ---- journals of other engines

// What they meant to make, and what the machine has not survived, is now known of this store.
Result<void> Store::State::add_state(const Journals& journals) {
  const JournalState& found = journals.state();
  const auto add_all = [](std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& hashes) {
    to.insert(to.end(), hashes.begin(), hashes.end());
    std::sort(to.begin(), to.end());
  };
  if (found.is_stale) {
    // What was recorded before is safe, unless it is in doubt already.
    if (!known.doubt.exists()) known.doubt.from = commits;
    if (found.doubt.any_key) known.doubt.from = 0;
    known.doubt.to = commits + 1;
    known.doubt.any_key |= found.doubt.any_key;
    add_all(known.doubt.keys, found.doubt.keys);
    known.is_stale = true;
  }
  known.is_open |= found.is_open;
  known.any_key |= found.any_key;
  add_all(known.planned, found.planned);
  if (!is_writer() || (!found.is_open && !found.is_stale)) return {};
  const Doubt doubt = doubt_left();
  const bool is_stale = std::exchange(known.is_stale, false);
  known.is_open = true;
  return journal.begin(commits, rows, found.planned, found.any_key, is_stale ? &doubt : nullptr);
}

// The journal of this store says it first, then the database is on the disk, then the other journals go. A kill in between
// makes the next engine do the same again.
Result<void> Store::State::merge(const Journals& journals) {
  if (journals.is_empty()) return {};
  if (journals.state().is_newer) return fail(newer_journal(folder));
  FURROW_TRY(add_state(journals));
  const std::int64_t doubtful = commits + 1;
  if (journals.state().is_stale) ++commits;
  if (is_writer()) {
    FURROW_TRY(database.execute("PRAGMA synchronous = FULL"));
  }
  FURROW_TRY(journals.apply(database, known.doubt.from, doubtful, commits));
  has_erased |= journals.has_erased();
  if (!is_writer()) return {};
  FURROW_TRY(database.execute("PRAGMA synchronous = NORMAL"));
  journals.remove();
  has_merged = true;
  FURROW_LOG(store, info, "records of other engines are merged, up to commit {}", commits);
  return {};
}

// ---- opening

// SQLite makes a new database readable for all and writable for its owner. This way it follows the umask, and its log
// follows the database.
Result<void> Store::State::make_file(const std::string& path) {
  const os::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (file.get() >= 0) return {};
  const bool is_forbidden = errno == EACCES;
  Error error = system_error("cannot write the store " + path);
  if (is_forbidden)
    error.hint = "Another user has made it: let the group write it (chmod -R g+w " + os::parent_of(path) +
                 "), with umask 002 from then on; or run in a directory of your own.";
  return fail(std::move(error));
}

// It has its name once it is on the disk, so that a power cut leaves no half of it. Before, its file is empty.
Result<void> Store::State::create_database() {
  const std::string made = file() + ".new";
  for (const char* rest : {"", "-wal", "-journal"}) ::unlink((made + rest).c_str());
  FURROW_TRY(make_file(made));
  {
    auto fresh = FURROW_TRY(Database::open(made, SQLITE_OPEN_READWRITE));
    FURROW_TRY(fresh.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF"));
    FURROW_TRY(create_schema(fresh));
  }
  const os::Descriptor written(::open(made.c_str(), O_RDONLY | O_CLOEXEC));
  if (written.get() >= 0) ::fsync(written.get());
  if (::rename(made.c_str(), file().c_str()) != 0)
    return fail(system_error("cannot write the store " + file()));
  os::sync_folder(folder);
  return {};
}

Result<void> Store::State::open_for_writing() {
  known = RunJournal::read(folder + "/journal");
  if (known.is_newer) return fail(newer_journal(folder));
  // An empty file with a log is one that has been damaged: SQLite tells.
  if (os::status(file()).size == 0 && !os::status(file() + "-wal").exists()) FURROW_TRY(create_database());
  FURROW_TRY(open_database(file()));
  journal = FURROW_TRY(RunJournal::open(folder + "/journal", known));
  FURROW_TRY(find_counts());
  FURROW_TRY(merge(Journals::read(folder, engines ? engines->run() : "", false)));
  return prepare_writing();
}

// First what only grows, or is merged into the database before it goes.
Result<void> Store::State::open_copy() {
  known = RunJournal::read(folder + "/journal");
  if (known.is_newer) return fail(newer_journal(folder));
  const Journals journals = Journals::read(folder, "", true);
  const bool is_there = os::status(file()).size > 0;  // an empty file is a store that is being created
  if (!is_there && is_reader()) return {};
  snapshot = FURROW_TRY(is_there ? Snapshot::take(file()) : Snapshot::empty());
  FURROW_TRY(open_database(snapshot.database()));
  if (!exists()) return {};
  if (writes_journal() || !journals.is_empty()) {
    FURROW_TRY(find_counts());
    FURROW_TRY(merge(journals));
  }
  return writes_journal() ? prepare_writing() : Result<void>();
}

// ---- beside another engine

Result<void> Store::State::write_journal() {
  const std::string text = std::exchange(records, {});
  if (text.empty()) return {};
  if (!journal.is_open()) {
    journal = FURROW_TRY(RunJournal::open(engines->journal(), {}));
    FURROW_TRY(journal.begin(commits, rows, {}, false, nullptr));
  }
  return journal.add_commit(commits, engines->serial(), text);
}

// Costs nothing where the system knows who has the locks.
Result<void> Store::State::check_locks() const {
  const bool has_database = !is_writer() || lock.fd() < 0 || lock.is_still_taken();
  if (has_database && (!engines || engines->is_still_there())) return {};
  return fail(Error{"another furrow run has taken over this directory, since this one did not go on for long",
                    "", 0, "Run again once it has ended."});
}

// Reads what the job above this engine reads, from its record.
void Store::State::find_outer_inputs(OuterJob& job) {
  auto all = database.prepare(kAll);
  if (!all) return;
  JobRow row;
  while (all->step() == SQLITE_ROW) {
    if (hash64(all->text(0)) != job.key) continue;
    read_row(*all, row);
    while (row.inputs.next()) job.inputs.push_back(FileLocks::hash_of(row.inputs.stamp().path));
  }
  std::sort(job.inputs.begin(), job.inputs.end());
}

// ---- closing

Result<void> Store::State::close_database() {
  const Journals journals = Journals::read(folder, engines ? engines->run() : "", false);
  FURROW_TRY(merge(journals));
  const bool has_changed = wrote || has_merged || !was_clean || known.is_open || !trusted.empty();
  if (!has_changed) return {};
  if (database.in_transaction()) return fail("the store was closed in the middle of a transaction");
  const bool is_durable = is_on_disk();
  FURROW_TRY(set_clean_to(true));
  if (is_durable) {
    FURROW_TRY(database.checkpoint());
    FURROW_TRY(count_all());
    FURROW_TRY(journal.close(commits, rows, doubt_left()));
  } else {
    database.keep_log();
  }
  FURROW_LOG(store, info, "the store is closed cleanly{}", is_durable ? "" : ", but the disk is not done");
  return {};
}

Result<void> Store::State::close_journal() {
  if (!journal.is_open()) return {};
  if (!is_on_disk()) return {};
  return journal.add_closed(commits, rows);
}

}  // namespace furrow::store
