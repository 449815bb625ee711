// Handles a job's files before and after it runs: makes folders, checks new outputs, and says when old outputs,
// half-written ones and temp files go (Removal decides whether). Not thread-safe.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"
#include "workflow/dag/growth.hpp"
#include "workflow/jobs/removal.hpp"
#include "workflow/jobs/updated_files.hpp"

namespace furrow::workflow {

struct FileOptions {
  bool keep_temp = false;        // --notemp
  bool keep_incomplete = false;  // --keep-incomplete
  double latency_s = 0;          // how long to wait for outputs that a shared file system may show late
  std::string shadows{};         // the folder of all shadow folders; empty: none
  // A run was killed that did the same: temp files that were made before this run, and that no job needs, go too.
  bool removes_leftovers = false;
};

class JobFiles {
 public:
  JobFiles(const Dag& dag, const RuleSet& rules, FileStates& states, FileOptions options);

  // Which jobs the run has to end; counts those that need each temp file.
  void expect(const std::function<bool(NodeId)>& must_run);
  // The graph has grown. While functions wait for checkpoints (not IS_COMPLETE), no temp file goes: they may ask for it.
  void extend(const GrowthStep& step, const std::function<bool(NodeId)>& must_run, bool is_complete);
  // Until extend() says that the graph is complete. Call it before expect().
  void keep_temp_files() { keeps_temp_files_ = true; }

  void look_at_outputs(NodeId node);  // warms the system's cache for before()
  // Checks that the job may start, and makes folders. Nothing old is touched.
  Result<void> before(NodeId node);
  // Removes old outputs: once nothing but the job's start is left to do.
  Result<void> clear(NodeId node);
  // Whether it is right that a temp file is gone: if the jobs that use it ran on the same node, it was
  // removed there.
  using IsUsedUp = std::function<bool(FileId)>;
  // Makes the pipes that NODE writes.
  Result<void> make_pipes(NodeId node);
  // Whether what NODE offers to others as a service is there.
  bool is_up(NodeId node) const;
  // Removes the pipes and what NODE has offered, once the jobs that use them have ended.
  void remove_passing(NodeId node);
  // Whether outputs are missing but may still show up, since their job ENDED (seconds since the epoch)
  // recently.
  bool outputs_pending(NodeId node, double ended, const IsUsedUp& is_used_up = {});
  // The temp files among the inputs of NODES that no other job needs.
  std::vector<FileId> used_up_by(std::span<const NodeId> nodes) const;
  bool is_temp(FileId file) const { return users_.contains(file); }
  std::int64_t mtime_ns(FileId file) const { return states_.mtime_ns(file); }
  // Checks that the outputs exist, are files or folders as declared, and pass ensure(). ANSWERED: the checks of the
  // outputs, in their order, if functions answer them.
  Result<void> after(NodeId node, const IsUsedUp& is_used_up = {}, std::span<const Ensure> answered = {});
  // Touches outputs that are older than inputs, and write-protects protected ones.
  void before_record(NodeId node);
  void settle(NodeId node);  // removes temp files after a job that succeeded and was recorded
  // --touch: touches its outputs. Only temp files may be missing.
  Result<void> touch(NodeId node);
  bool is_flagged_temp(FileId output) const { return template_of(output).flags & kTemp; }
  // After a job that failed. Its outputs go only if it HAS_STARTED: otherwise they are those of an earlier run.
  void discard(NodeId node, bool has_started, bool will_retry);
  // At the end of a run in which no job runs any longer.
  void remove_leftover_folders() { removal_.remove_leftover_folders(); }

 private:
  void count_temp_users(const std::function<bool(NodeId)>& must_run);
  void find_temp_outputs(NodeId node);
  bool is_temp_output(FileId file) const;
  void add_uses(std::span<const FileId> inputs);
  void end_uses(std::span<const FileId> inputs);
  void release_unused();
  void add_targets(NodeId node);
  void reload_outputs(NodeId node);
  Result<void> check(NodeId node, const Template& output, FileId file, const Ensure* ensure);
  Result<void> touch_or_make(FileId file, bool is_directory);
  void make_logs(NodeId node);
  void release(FileId file);
  const Template& template_of(FileId file) const;

  const Dag& dag_;
  const RuleSet& rules_;
  FileStates& states_;
  FileOptions options_;
  Removal removal_;
  UpdatedFiles updated_;
  std::unordered_map<FileId, std::uint32_t> users_;  // by temp file: jobs that still need it
  std::unordered_map<FileId, char> is_target_;
  bool keeps_temp_files_ = false;
  std::set<FileId> unused_;  // temp files that may go once functions wait no longer
};

}  // namespace furrow::workflow
