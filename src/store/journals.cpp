#include "store/journals.hpp"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "os/files/files.hpp"
#include "store/engines.hpp"
#include "store/job_rows.hpp"
#include "store/record_bytes.hpp"

namespace furrow::store {

namespace {

void add_all(std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& hashes) {
  to.insert(to.end(), hashes.begin(), hashes.end());
  std::sort(to.begin(), to.end());
}

Result<void> change(Database& database, Statement& put, Statement& erase, const RecordChange& change,
                    std::int64_t commit) {
  const JobRecord& record = change.record;
  if (change.is_erased) {
    erase.bind(1, record.key);
    return database.run(erase);
  }
  const std::string outputs = pack_stamps(record.key, record.outputs);
  const std::string inputs = pack_stamps(record.key, record.inputs);
  bind_record(put, record, commit, outputs, inputs);
  return database.run(put);
}

// A later version may write what this one does not know. To leave it out would lose records in silence.
bool can_read(std::string_view records) {
  while (take_record(records)) continue;
  return records.empty();
}

}  // namespace

Journals Journals::read(const std::string& folder, const std::string& own_run, bool living) {
  Journals journals;
  for (const Engines::Journal& journal : Engines::journals(folder)) {
    if (living || !journal.is_of_living || journal.run == own_run) journals.add(journal.path);
  }
  journals.add_dead(folder + "/engines");
  std::stable_sort(journals.commits_.begin(), journals.commits_.end(),
                   [](const Commit& a, const Commit& b) { return a.serial < b.serial; });
  return journals;
}

void Journals::add(const std::string& path) {
  std::vector<JournalCommit> commits;
  const JournalState found = RunJournal::read(path, &commits);
  paths_.push_back(path);
  for (const JournalCommit& commit : commits) state_.is_newer |= !can_read(commit.records);
  for (JournalCommit& commit : commits)
    commits_.push_back(
        {commit.serial, found.is_stale, commit.commit <= found.durable, std::move(commit.records)});
  state_.is_newer |= found.is_newer;
  state_.is_open |= found.is_open;
  state_.is_stale |= found.is_stale;
  state_.any_key |= found.any_key;
  state_.doubt.any_key |= found.doubt.any_key;
  add_all(state_.planned, found.planned);
  add_all(state_.doubt.keys, found.doubt.keys);
}

void Journals::add_dead(const std::string& place) {
  const auto entries = os::list_directory(place);
  if (!entries) return;
  for (const os::DirectoryEntry& entry : *entries) {
    if (!entry.name.ends_with(".dead")) continue;
    paths_.push_back(place + "/" + entry.name);
    state_.is_open = true;
    add_all(state_.planned, FileLocks::read(paths_.back()).keys());
  }
}

Result<void> Journals::apply(Database& database, std::int64_t durable, std::int64_t doubtful,
                             std::int64_t& commits) const {
  auto put = FURROW_TRY(database.prepare(kPut));
  auto erase = FURROW_TRY(database.prepare(kErase));
  const auto apply_all = [&]() -> Result<void> {
    FURROW_TRY(database.execute("BEGIN IMMEDIATE"));
    for (const Commit& commit : commits_) {
      const std::int64_t number = !commit.is_stale ? ++commits : commit.was_durable ? durable : doubtful;
      std::string_view left = commit.records;
      while (const auto next = take_record(left)) {
        has_erased_ |= next->is_erased;
        FURROW_TRY(change(database, put, erase, *next, number));
      }
    }
    return database.execute("COMMIT");
  };
  auto done = apply_all();
  if (!done && database.in_transaction()) (void)database.execute("ROLLBACK");
  return done;
}

void Journals::remove() const {
  for (const std::string& path : paths_) ::unlink(path.c_str());
}

}  // namespace furrow::store
