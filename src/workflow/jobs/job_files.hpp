// What happens to a job's files before and after it runs: folders made, old outputs removed, new ones
// checked, temp files removed once nobody needs them. Not thread-safe.
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
  double latency_s = 0;          // how long to wait for outputs that a shared file system shows late
};

class JobFiles {
 public:
  JobFiles(const Dag& dag, const RuleSet& rules, FileStates& states, FileOptions options);

  // MUST_RUN: counts who still needs each temp file.
  void count_temp_users(const std::function<bool(NodeId)>& must_run);

  void look_at_outputs(NodeId node);  // so that before() finds the system's answers at hand
  Result<void> before(NodeId node);
  // Whether a temp file is rightly gone already: the node on which its job ran with those that use it removes
  // it.
  using IsUsedUp = std::function<bool(FileId)>;
  // Whether outputs are missing and may still show: their job ENDED (seconds since the epoch) not long ago.
  bool is_late(NodeId node, double ended, const IsUsedUp& is_used_up = {});
  // The temp files among the inputs of NODES that nobody else needs.
  std::vector<FileId> used_up_by(std::span<const NodeId> nodes) const;
  bool is_temp(FileId file) const { return users_.contains(file); }
  std::int64_t mtime_ns(FileId file) const { return states_.mtime_ns(file); }
  // Outputs are there, of the right kind, and as ensure() wants them.
  Result<void> after(NodeId node, const IsUsedUp& is_used_up = {});
  void before_record(NodeId node);  // outputs older than inputs are touched, protected ones protected
  void settle(NodeId node);         // after a job that succeeded and was recorded: temp files gone
  Result<void> touch(NodeId node);  // --touch: all outputs, which must be there
  void discard(NodeId node);        // after a job that failed

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
  std::unordered_map<FileId, std::uint32_t> users_;  // of temp files
  std::unordered_map<FileId, char> is_target_;
};

}  // namespace furrow::workflow
