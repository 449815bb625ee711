// Writes the records of a run's jobs into the store, with stamps of their files.
//
// Inputs are stamped when their job starts, so that one that changes while the job runs is seen as changed by
// the next run. Stamps cost no system calls: what planning saw of an input, or what was seen when the job
// that made it ended, still holds, and if not, its job runs once more than needed. Only folders, whose time
// this run changes by making files in them, and the inputs of further attempts are looked at again.
//
// Contents of inputs, and of what long jobs have made, are hashed in the background without delaying a job: a record is written as soon as its job has
// ended, and again if a hash arrives later. Not thread-safe.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/store.hpp"
#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"
#include "workflow/jobs/input_hashes.hpp"

namespace furrow::workflow {

class Recorder {
 public:
  using Stamps = std::vector<store::FileStamp>;
  using InputsOfJobs = std::unordered_map<NodeId, std::vector<FileId>>;

  // Borrows all arguments. HASHER may be null: then contents are not recorded.
  Recorder(const Dag& dag, const RuleSet& rules, FileStates& states, store::Store& store,
           os::FileHasher* hasher, std::int64_t hash_limit);

  // Inputs that changed while their jobs ran the last time. If they do so again, the jobs would run in every
  // run: the new state is recorded, with a warning. Borrowed.
  void set_changed_before(const InputsOfJobs* inputs) { changed_before_ = inputs; }
  const std::vector<std::string>& warnings() const { return warnings_; }

  // Prepares for a job that starts soon: hashes its inputs and opens the next transaction ahead of time.
  void prefetch(NodeId node);

  // The run means to start these jobs, too: locks their files, unless turned off, and notes it in the store.
  Result<void> expect_more(std::span<const NodeId> nodes);
  void set_locks(bool locks) { locks_ = locks; }

  // Nothing is in the store before commit().
  // Stamps the inputs of RECORD. EARLIER: stamps of the same job, which an engine started that has died.
  Result<void> started(NodeId node, store::JobRecord& record, const Stamps& earlier = {});
  // Stamps anew those inputs that jobs of this run have made since.
  void stamp_made_inputs(store::JobRecord& record) const;
  Result<void> ended(NodeId node, store::JobRecord record);  // as started; stamps the outputs
  Result<void> commit();
  Result<void> finish();  // waits for the last hashes

  // The inputs of a job whose record says that it was started but not how it ended; null if none does.
  std::unique_ptr<Stamps> left_open(std::string_view key) const;
  bool is_open(std::string_view key) const { return left_open(key) != nullptr; }

 private:
  Result<void> begin();  // opens a transaction unless one is open
  Result<void> put(const store::JobRecord& record);
  void want_inputs(NodeId node);
  bool is_judged_by_inputs(NodeId node) const;
  const std::vector<FileId>& changed_before(NodeId node) const;
  void stamp_inputs(NodeId node, store::JobRecord& record);
  void stamp_outputs(NodeId node, store::JobRecord& record);
  bool fill_contents(store::JobRecord& record) const;  // whether all that are wanted are known
  void accept_changes(NodeId node, Stamps& inputs);
  void accept_own_files(NodeId node, Stamps& inputs) const;
  store::FileStamp stamp(FileId file) const;
  bool was_made(FileId file) const { return file < made_.size() && made_[file] != 0; }

  const Dag& dag_;
  const RuleSet& rules_;
  FileStates& states_;
  store::Store& store_;
  os::FileHasher* hasher_;
  bool locks_ = true;
  const std::int64_t hash_limit_;
  InputHashes hashes_;
  bool open_ = false;         // whether a transaction is open
  std::vector<char> made_{};  // by file: whether a job of this run has made it
  const InputsOfJobs* changed_before_ = nullptr;
  std::vector<std::string> warnings_{};
  // Records in the store that still lack the hash of some file.
  std::deque<store::JobRecord> unhashed_{};
};

}  // namespace furrow::workflow
