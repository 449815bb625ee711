// Which jobs must run, and why.
//
// A job must run if
// - an output that is needed is missing,
// - an input differs from what its record says: in its time and its content, or in its time alone if it is a
//   flag (a touch() output, or an empty file), which has no content to compare,
// - its params, its code, its software environment or its set of inputs differ from those in its record,
// - its last run failed or was interrupted, also one of Snakemake,
// - the machine went down before its outputs were safe, and they are not what its record says,
// - it has no record, and the store has lost some,
// - or it is forced.
// Then every job that uses its outputs must run too, and every job that makes an input of it that is missing.
// The record is what the store remembers of the job's last run; without one, modification times alone decide,
// and an input that is newer than the job's oldest output counts as changed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/store.hpp"
#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"
#include "workflow/dag/identity.hpp"
#include "workflow/dag/reason_spread.hpp"
#include "workflow/dag/software_environments.hpp"

namespace furrow::workflow {

struct Triggers {
  bool mtime = true, params = true, input = true, code = true, environment = true;
};

struct StalenessOptions {
  Triggers triggers;
  bool force_all = false;
  bool force_targets = false;
  bool ignore_incomplete = false;
  std::set<std::string> force_rules;             // rules by name
  std::set<FileId> force_files;                  // outputs
  std::int64_t hash_limit = 1 << 20;             // bytes; contents of larger files are not compared
  SoftwareEnvironments* environments = nullptr;  // borrowed; null: no job has one
};

class Staleness {
 public:
  Staleness(const Dag& dag, const RuleSet& rules, FileStates& states, Evaluator& evaluator,
            store::Store* store, StalenessOptions options);

  Result<void> decide();
  // The graph has grown by EXTENSION: decides on its jobs, and anew on what depended on their functions. IS_SETTLED:
  // jobs that have started, or on which others rely already. WAS_DUE gets each job that was looked at, with whether it
  // had to run before.
  Result<void> extend(const Extension& extension, const std::function<bool(NodeId)>& is_settled,
                      std::unordered_map<NodeId, bool>& was_due);
  // These jobs have been cut away and will not run. WAS_DUE as in extend().
  void withdraw(const std::vector<Extension::Answered>& jobs, std::unordered_map<NodeId, bool>& was_due);
  Consumers& consumers() { return consumers_; }

  bool must_run(NodeId node) const { return reasons_[node] != 0; }
  Reasons reasons(NodeId node) const { return reasons_[node]; }
  std::size_t count() const;
  // How many inputs are newer than outputs made from them, although their contents are those of the last run.
  std::size_t unchanged_inputs() const { return unchanged_.size(); }
  // How many jobs must run only because the store has lost records.
  std::size_t without_record() const { return without_record_; }
  // The inputs that changed while these jobs ran the last time.
  const std::unordered_map<NodeId, std::vector<FileId>>& changed_while_running() const {
    return changed_while_running_;
  }

  // One line for each reason, with names. Reads the store again.
  Result<std::vector<std::string>> explain(NodeId node);

 private:
  struct Seen {
    std::uint32_t by = 0;  // the number of the last judgement on a job that uses the file
    bool ancient = false;  // that job flags the file ancient() wherever it names it
  };

  void make_room();
  Result<void> judge(std::span<const NodeId> nodes);
  void find_output_times(std::span<const NodeId> nodes);
  void judge_alone(NodeId node);
  bool is_requested(NodeId node, FileId output) const;
  void ask_param_functions(std::span<const NodeId> nodes);
  void find_marks();
  void find_marked(std::span<const NodeId> nodes);
  bool describes_outputs(store::StampCursor outputs);
  const std::vector<Param>& answered_params(NodeId node) const;
  bool is_mistake(NodeId node, const Param& param) const;
  bool have_params_changed(NodeId node, const store::JobRow& row) const;
  bool has_environment_changed(NodeId node, const store::JobRow& row) const;
  Result<void> judge_by_records(std::span<const NodeId> nodes);
  Result<void> read_records(std::span<const NodeId> nodes);
  void judge_by_times(std::span<const NodeId> nodes);
  bool has_newer_input(NodeId node) const;
  void judge_record(NodeId node, store::JobRow& row);
  void judge_inputs(NodeId node, store::JobRow& row);
  bool are_outputs_safe(store::StampCursor outputs, bool was_durable);
  void judge_without_records(std::span<const NodeId> nodes);
  bool is_flag(FileId file) const;
  bool has_changed(const store::StampView& stamp, FileId file, std::int64_t output_time);
  bool same_content(const store::StampView& stamp, FileId file);
  bool changed_before_end(NodeId node, FileId file, const store::JobRow& row) const;
  void log_reasons(std::span<const NodeId> nodes) const;
  void explain_missing(NodeId node, std::vector<std::string>& lines);
  void explain_unchanged(NodeId node, std::vector<std::string>& lines);
  void explain_newer(NodeId node, const std::optional<store::JobRecord>& record,
                     std::vector<std::string>& lines);
  void explain_upstream(NodeId node, std::vector<std::string>& lines);
  void explain_mistakes(NodeId node, std::vector<std::string>& lines);
  void explain_environment(NodeId node, const std::optional<store::JobRecord>& record,
                           std::vector<std::string>& lines);
  void explain_params(NodeId node, const store::JobRecord& record, std::vector<std::string>& lines);
  void explain_inputs(NodeId node, const std::optional<store::JobRecord>& record,
                      std::vector<std::string>& lines);

  const Dag& dag_;
  const RuleSet& rules_;
  FileStates& states_;
  Evaluator& evaluator_;
  store::Store* store_;
  StalenessOptions options_;
  Consumers consumers_;
  std::vector<Reasons> reasons_;  // by job
  std::vector<Reasons> own_;      // by job: those that do not follow from other jobs of the run
  ReasonSpread spread_;
  // By job: the time of its oldest output, or of the files made from it; 0: none.
  std::vector<std::int64_t> output_time_;
  std::vector<char> is_target_;
  std::vector<char> is_judged_;    // by job: in this call
  std::set<std::string> marks_;    // outputs that a killed Snakemake has not finished
  std::set<NodeId> marked_;        // their jobs
  std::vector<char> target_file_;  // by file
  std::vector<Seen> seen_;         // by file
  std::uint32_t last_mark_ = 0;
  std::unordered_map<NodeId, std::vector<Param>> answered_params_;
  std::unordered_map<FileId, std::uint64_t> hashes_;
  std::set<FileId> unchanged_;
  std::unordered_map<NodeId, std::vector<FileId>> changed_while_running_;
  CodeHashes code_hashes_;
  std::vector<char> has_record_;  // by job
  std::size_t without_record_ = 0;
};

}  // namespace furrow::workflow
