// Handles a job's files before and after it runs: makes folders, removes old outputs, checks new ones, and
// removes temp files that are no longer needed. Not thread-safe.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"

namespace furrow::workflow {

struct FileOptions {
  bool keep_temp = false;        // --notemp
  bool keep_incomplete = false;  // --keep-incomplete
  double latency_s = 0;          // how long to wait for outputs that a shared file system may show late
};

class JobFiles {
 public:
  JobFiles(const Dag& dag, const RuleSet& rules, FileStates& states, FileOptions options);

  // Counts the jobs that must run and need each temp file.
  void count_temp_users(const std::function<bool(NodeId)>& must_run);

  void look_at_outputs(NodeId node);  // warms the system's cache for before()
  Result<void> before(NodeId node);
  // Whether it is right that a temp file is gone: if the jobs that use it ran on the same node, it was
  // removed there.
  using IsUsedUp = std::function<bool(FileId)>;
  // Whether outputs are missing but may still show up, since their job ENDED (seconds since the epoch)
  // recently.
  bool outputs_pending(NodeId node, double ended, const IsUsedUp& is_used_up = {});
  // The temp files among the inputs of NODES that no other job needs.
  std::vector<FileId> used_up_by(std::span<const NodeId> nodes) const;
  bool is_temp(FileId file) const { return users_.contains(file); }
  std::int64_t mtime_ns(FileId file) const { return states_.mtime_ns(file); }
  // Checks that the outputs exist, are files or folders as declared, and pass ensure().
  Result<void> after(NodeId node, const IsUsedUp& is_used_up = {});
  // Touches outputs that are older than inputs, and write-protects protected ones.
  void before_record(NodeId node);
  void settle(NodeId node);  // removes temp files after a job that succeeded and was recorded
  // --touch: touches the outputs, which must be there. A temp file may be gone.
  Result<void> touch(NodeId node);
  void discard(NodeId node);  // removes the outputs of a job that failed

 private:
  std::vector<std::string> product_folders(NodeId node) const;
  Result<void> remove_old(NodeId node);
  Result<void> check(NodeId node, const Template& output, FileId file);
  Result<void> touch_or_make(FileId file, bool is_directory);
  void make_logs(NodeId node);
  void release(FileId file);
  const Template& template_of(FileId file) const;

  const Dag& dag_;
  const RuleSet& rules_;
  FileStates& states_;
  FileOptions options_;
  std::unordered_map<FileId, std::uint32_t> users_;  // by temp file: jobs that still need it
  std::unordered_map<FileId, char> is_target_;
};

}  // namespace furrow::workflow
