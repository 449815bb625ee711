// Writes the records of a run's jobs into the store, and hashes their inputs in the background without
// delaying a job: a record is written as soon as its job has ended, and again if a hash arrives later. Not
// thread-safe.
#pragma once

#include <deque>
#include <unordered_map>

#include "os/files/file_hasher.hpp"
#include "store/store.hpp"
#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"

namespace furrow::workflow {

class Recorder {
 public:
  // Borrows all arguments. HASHER may be null: then contents are not recorded.
  Recorder(const Dag& dag, const RuleSet& rules, FileStates& states, store::Store& store,
           os::FileHasher* hasher, std::int64_t hash_limit);

  // Prepares for a job that starts soon: hashes its inputs and opens the next transaction ahead of time.
  void prefetch(NodeId node);

  // Nothing is in the store before commit().
  Result<void> started(NodeId node, store::JobRecord record);
  Result<void> ended(NodeId node, store::JobRecord record);  // fills in the stamps of inputs and outputs
  Result<void> commit();
  Result<void> finish();  // waits for the last hashes

  bool is_open(std::string_view key) const;  // the job's record says that it was started but not how it ended

 private:
  struct Content {
    std::int64_t mtime_ns = 0;
    std::uint64_t hash = 0;
    bool pending = false;
  };

  Result<void> begin();  // opens a transaction unless one is open
  Result<void> put(const store::JobRecord& record);
  void want_inputs(NodeId node);
  bool is_judged_by_inputs(NodeId node) const;
  void want_content(FileId file);
  bool fill_stamps(NodeId node, store::JobRecord& record);  // whether all contents are known
  store::FileStamp stamp(FileId file) const;

  const Dag& dag_;
  const RuleSet& rules_;
  FileStates& states_;
  store::Store& store_;
  os::FileHasher* hasher_;
  std::int64_t hash_limit_;
  bool open_ = false;  // whether a transaction is open
  std::unordered_map<FileId, Content> contents_;
  // Records in the store that still lack the hash of some input.
  std::deque<std::pair<NodeId, store::JobRecord>> unhashed_;
};

}  // namespace furrow::workflow
