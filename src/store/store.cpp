#include "store/store.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "os/files/files.hpp"
#include "os/process/job_cookie.hpp"
#include "store/job_rows.hpp"
#include "store/record_bytes.hpp"
#include "store/store_state.hpp"

namespace furrow::store {

namespace {

Error read_only_error() { return Error{"the store is open for reading only"}; }

}  // namespace

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& folder, double wait_s, const std::string& run) {
  FURROW_TRY(os::make_directories(folder));
  FURROW_TRY(State::make_file(folder + "/furrow.db"));
  auto engines = FURROW_TRY(Engines::join(folder, run, wait_s));
  RunMark holder;
  auto lock = FURROW_TRY(FolderLock::take_unless_alive(folder + "/lock", wait_s, holder));
  if (!lock && !FURROW_TRY(engines->look_for(holder)))
    return fail(FolderLock::held_by(holder, folder + "/lock"));
  auto state = std::make_unique<State>(lock ? StoreRole::kWriter : StoreRole::kJournalWriter);
  state->folder = folder;
  state->engines = std::move(engines);
  state->ended = state->engines->ended();
  if (lock) {
    state->lock = std::move(*lock);
    const auto& ended = state->lock.ended();
    state->ended.insert(state->ended.end(), ended.begin(), ended.end());
    FURROW_TRY(state->open_for_writing());
  } else {
    FURROW_TRY(state->open_copy());
  }
  FURROW_LOG(store, info, "{} is open {}, {}", folder, lock ? "for writing" : "beside another engine",
             state->was_clean ? "and was closed cleanly" : "recovered after a run that was killed");
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Result<std::unique_ptr<Store>> Store::open_alone(const std::string& folder, double wait_s) {
  auto store = FURROW_TRY(open(folder, wait_s, os::new_run_id()));
  FURROW_TRY(store->lock_files({.any_file = true}));
  if (!store->has_database()) return fail(Error{"another furrow run works in this directory"});
  return store;
}

Result<std::unique_ptr<Store>> Store::open_readonly(const std::string& folder) {
  auto state = std::make_unique<State>(StoreRole::kReader);
  state->folder = folder;
  FURROW_TRY(state->open_copy());
  FURROW_LOG(store, info, "{} is open for reading, as a copy in {}", folder, state->snapshot.database());
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

bool Store::has_database() const { return state_->is_writer(); }
bool Store::has_company() const { return state_->engines && state_->engines->has_company(); }

std::vector<int> Store::lock_fds() const {
  std::vector<int> fds;
  if (state_->lock.fd() >= 0) fds.push_back(state_->lock.fd());
  if (state_->engines) fds.push_back(state_->engines->lock_fd());
  return fds;
}

Result<Locking> Store::lock_files(const FilesToLock& files) {
  if (!state_->engines) return Locking::kLocked;
  if (state_->engines->has_company() && state_->outer.empty()) {
    for (OuterJob& job : OuterJob::all()) {
      if (!state_->engines->has(job.run)) continue;
      state_->find_outer_inputs(job);
      state_->outer.push_back(std::move(job));
    }
  }
  return state_->engines->add(files, state_->outer);
}

Result<void> Store::expect(const std::vector<std::string>& keys, bool any_key) {
  State& state = *state_;
  std::vector<std::uint64_t> hashes;
  hashes.reserve(keys.size());
  for (const std::string& key : keys) hashes.push_back(hash64(key));
  if (state.writes_journal()) {
    if (!state.journal.is_open()) state.journal = FURROW_TRY(RunJournal::open(state.engines->journal(), {}));
    return state.journal.begin(state.commits, state.rows, hashes, any_key, nullptr);
  }
  const Doubt doubt = state.doubt_left();
  const bool is_stale = std::exchange(state.known.is_stale, false);
  return state.journal.begin(state.commits, state.rows, hashes, any_key, is_stale ? &doubt : nullptr);
}

Result<void> Store::expect_more(const std::vector<std::string>& keys) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(keys.size());
  for (const std::string& key : keys) hashes.push_back(hash64(key));
  return state_->journal.add_planned(hashes);
}

Result<void> Store::begin_jobs(const std::string& run, int watchdog) {
  state_->start_syncer();
  if (state_->engines) {
    FURROW_TRY(state_->engines->begin_jobs(watchdog));
  }
  return state_->lock.fd() >= 0 ? state_->lock.begin_jobs(run, watchdog) : Result<void>();
}

void Store::made_in(std::string_view path) {
  if (state_->syncer) state_->syncer->add(path);
}

void Store::made_at_cost(double cost_s) { state_->cost_s = std::max(state_->cost_s, cost_s); }

const std::vector<os::Survivor>& Store::ended_survivors() const { return state_->ended; }

Result<void> Store::begin() {
  if (state_->is_reader()) return fail(read_only_error());
  FURROW_TRY(state_->check_locks());
  state_->failed.reset();
  state_->has_put = false;
  state_->records.clear();
  FURROW_TRY(state_->write(state_->begin));
  if (state_->wrote) return {};
  if (state_->has_lost) {
    FURROW_TRY(state_->database.execute("INSERT OR REPLACE INTO meta VALUES('lost', 1)"));
  }
  return state_->set_clean_to(false);
}

Result<void> Store::put(const JobRecord& record) {
  if (state_->is_reader()) return fail(read_only_error());
  if (state_->failed) return fail(*state_->failed);
  const std::string outputs = pack_stamps(record.key, record.outputs);
  const std::string inputs = pack_stamps(record.key, record.inputs);
  if (!std::exchange(state_->has_put, true)) ++state_->commits;
  if (state_->known.doubt.exists() && record.phase == JobPhase::kFinished) trust(record.key);
  bind_record(state_->put, record, state_->commits, outputs, inputs);
  // The record of a job above this engine is written by that job's engine.
  const bool is_of_outer = std::any_of(state_->outer.begin(), state_->outer.end(),
                                       [&](const OuterJob& job) { return job.key == hash64(record.key); });
  if (state_->writes_journal() && !is_of_outer) append_record(state_->records, record);
  return state_->write(state_->put);
}

Result<void> Store::erase(std::string_view key) {
  if (state_->is_reader()) return fail(read_only_error());
  if (state_->failed) return fail(*state_->failed);
  state_->erase.bind(1, key);
  state_->has_erased = true;
  if (state_->writes_journal()) append_erased(state_->records, key);
  return state_->write(state_->erase);
}

Result<void> Store::commit() {
  if (state_->is_reader()) return fail(read_only_error());
  if (state_->failed) return fail(*state_->failed);
  FURROW_TRY(state_->check_locks());
  if (state_->writes_journal()) {
    FURROW_TRY(state_->write_journal());
  }
  FURROW_TRY(state_->write(state_->commit));
  state_->wrote = true;
  if (state_->has_put && state_->syncer)
    state_->syncer->wrote(state_->commits, std::exchange(state_->cost_s, 0));
  return {};
}

Result<std::optional<JobRecord>> Store::find(std::string_view key) {
  std::optional<JobRecord> found;
  if (!state_->exists()) return found;
  Statement& statement = state_->find;
  if (!statement.is_prepared()) statement = FURROW_TRY(state_->database.prepare(kFind));
  statement.bind(1, key);
  const int code = statement.step();
  if (code == SQLITE_ROW) {
    if (is_damaged(statement)) {
      state_->has_lost = true;
    } else {
      found = record_of(statement);
    }
  }
  statement.reset();
  if (code != SQLITE_ROW && code != SQLITE_DONE) return fail(state_->database.error(code));
  return found;
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

Result<std::size_t> Store::for_each_record(const std::function<void(JobRecord record)>& callback) {
  std::size_t damaged = 0;
  if (!state_->exists()) return damaged;
  auto all = FURROW_TRY(state_->database.prepare(kWhole));
  int code = 0;
  while ((code = all.step()) == SQLITE_ROW) {
    if (is_damaged(all)) {
      ++damaged;
    } else {
      callback(record_of(all));
    }
  }
  if (code != SQLITE_DONE) return fail(state_->database.error(code));
  return damaged;
}

Result<void> Store::look_up(std::string_view key, const std::function<void(JobRow& row)>& callback) {
  if (!state_->exists()) return {};
  auto one = FURROW_TRY(state_->database.prepare(kOne));
  one.bind(1, key);
  const int code = one.step();
  if (code == SQLITE_DONE) return {};
  if (code != SQLITE_ROW) return fail(state_->database.error(code));
  JobRow row;
  read_row(one, row);
  if (row.is_damaged) state_->has_lost = true;
  callback(row);
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
bool Store::has_killed_run_of(const std::vector<std::string>& keys) const {
  if (!has_killed_run()) return false;
  std::unordered_set<std::uint64_t> among;
  for (const std::string& key : keys) among.insert(hash64(key));
  const auto& planned = state_->known.planned;
  return std::all_of(planned.begin(), planned.end(), [&](std::uint64_t key) { return among.contains(key); });
}
bool Store::has_lost_records() const { return state_->has_lost; }
Result<void> Store::count_records() { return state_->exists() ? state_->count_all() : Result<void>(); }

bool Store::ended_cleanly() const { return state_->was_clean; }

// The engine that had the database may have ended.
void Store::merge_if_free(const std::string& folder, std::unique_ptr<Engines> engines) {
  RunMark holder;
  auto lock = FolderLock::take_unless_alive(folder + "/lock", 0, holder);
  if (!lock || !*lock) return;
  auto state = std::make_unique<State>(StoreRole::kWriter);
  state->folder = folder;
  state->engines = std::move(engines);
  state->lock = std::move(**lock);
  if (state->open_for_writing()) (void)state->close_database();
}

Result<void> Store::close_cleanly() {
  State& state = *state_;
  Result<void> closed;
  std::unique_ptr<Engines> engines;
  if (state.exists() && state.is_writer()) closed = state.close_database();
  if (state.exists() && state.writes_journal()) {
    closed = state.close_journal();
    engines = std::move(state.engines);
  }
  const std::string folder = state.folder;
  state_ = std::make_unique<State>(StoreRole::kReader);
  if (engines) merge_if_free(folder, std::move(engines));
  return closed;
}

}  // namespace furrow::store
