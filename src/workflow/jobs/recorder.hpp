// Writes what a run does into the store, and finds out the contents of inputs on the way without keeping
// anyone waiting: a record is written as soon as its job has ended, and once more if a hash came later. Not
// thread-safe.
#pragma once

#include <deque>
#include <map>
#include <unordered_map>

#include "os/files/file_hasher.hpp"
#include "store/store.hpp"
#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"

namespace furrow::workflow {

class Recorder {
 public:
  // Borrows all. HASHER may be null: then contents are not recorded.
  Recorder(const Dag& dag, const RuleSet& rules, FileStates& states, store::Store& store,
           os::FileHasher* hasher, std::int64_t hash_limit);

  // The job starts soon: its inputs are hashed, and the next transaction is opened, before anyone waits for
  // it.
  void get_ready(NodeId node);

  // All but commit() only collect; nothing is in the store before it.
  Result<void> started(NodeId node, store::JobRecord record);
  Result<void> ended(NodeId node, store::JobRecord record);  // fills in the stamps of inputs and outputs
  Result<void> commit();
  Result<void> finish();  // waits for the last hashes

  bool is_open(std::string_view key) const;  // its record says that it was started, and not how it ended

 private:
  struct Content {
    std::int64_t mtime_ns = 0;
    std::uint64_t hash = 0;
    bool pending = false;
  };

  Result<void> begin();  // unless that is done already
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
  bool open_ = false;  // a transaction
  std::unordered_map<FileId, Content> contents_;
  // in the store, but some content was not known yet
  std::deque<std::pair<NodeId, store::JobRecord>> unhashed_;
};

}  // namespace furrow::workflow
