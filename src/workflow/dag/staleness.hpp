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
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/store.hpp"
#include "workflow/dag/dag.hpp"
#include "workflow/dag/file_states.hpp"
#include "workflow/dag/identity.hpp"

namespace furrow::workflow {

enum Reason : std::uint16_t {
  kForced = 1,
  kMissingOutput = 2,
  kNewerInput = 4,
  kUpstream = 8,  // a job that it depends on must run
  kInputsChanged = 16,
  kParamsChanged = 32,
  kCodeChanged = 64,
  kIncomplete = 128,     // its last run failed or was interrupted
  kNothingMade = 256,    // it makes no files, so it runs whenever it is a target
  kParamsFail = 512,     // its params cannot be found out, so it fails when it runs
  kChangedInput = 1024,  // an input has changed, though it is not newer
  kEnvironmentChanged = 2048,
  kInDoubt = 4096,     // what it made may not have reached the disk before the machine went down
  kLostRecord = 8192,  // it has no record, perhaps since the store has lost it
};
using Reasons = std::uint16_t;

struct Triggers {
  bool mtime = true, params = true, input = true, code = true, environment = true;
};

struct StalenessOptions {
  Triggers triggers;
  bool force_all = false;
  bool force_targets = false;
  bool ignore_incomplete = false;
  std::set<std::string> force_rules;  // rules by name
  std::set<FileId> force_files;       // outputs
  std::int64_t hash_limit = 1 << 20;  // bytes; contents of larger files are not compared
};

class Staleness {
 public:
  Staleness(const Dag& dag, const RuleSet& rules, FileStates& states, Evaluator& evaluator,
            store::Store* store, StalenessOptions options);

  Result<void> decide();

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
  struct Edge {
    NodeId consumer;
    FileId file;
    bool ancient;
  };

  struct Seen {
    std::uint32_t by = 0;  // 1 + the last job that was found to use the file
    bool ancient = false;  // that job flags the file ancient() wherever it names it
  };

  void find_consumers();
  void find_output_times();
  void judge_alone(NodeId node);
  bool is_requested(NodeId node, FileId output) const;
  void ask_param_functions(std::span<const NodeId> nodes);
  void find_marked();
  bool describes_outputs(store::StampCursor outputs);
  const std::vector<Param>& answered_params(NodeId node) const;
  bool is_mistake(NodeId node, const Param& param) const;
  bool have_params_changed(NodeId node, const store::JobRow& row) const;
  Result<void> judge_by_records();
  void judge_by_times();
  bool has_newer_input(NodeId node) const;
  void judge_record(NodeId node, store::JobRow& row);
  void judge_inputs(NodeId node, store::JobRow& row);
  bool are_outputs_safe(store::StampCursor outputs, bool was_durable);
  void judge_without_records();
  bool is_flag(FileId file) const;
  bool has_changed(const store::StampView& stamp, FileId file, std::int64_t output_time);
  bool same_content(const store::StampView& stamp, FileId file);
  bool changed_before_end(NodeId node, FileId file, const store::JobRow& row) const;
  void spread();
  void log_reasons() const;
  void explain_missing(NodeId node, std::vector<std::string>& lines);
  void explain_unchanged(NodeId node, std::vector<std::string>& lines);
  void explain_newer(NodeId node, const std::optional<store::JobRecord>& record,
                     std::vector<std::string>& lines);
  void explain_upstream(NodeId node, std::vector<std::string>& lines);
  void explain_mistakes(NodeId node, std::vector<std::string>& lines);
  void explain_params(NodeId node, const store::JobRecord& record, std::vector<std::string>& lines);
  void explain_inputs(NodeId node, const std::optional<store::JobRecord>& record,
                      std::vector<std::string>& lines);
  std::span<const Edge> consumers(NodeId node) const;

  const Dag& dag_;
  const RuleSet& rules_;
  FileStates& states_;
  Evaluator& evaluator_;
  store::Store* store_;
  StalenessOptions options_;
  std::vector<Reasons> reasons_;  // by job
  // By job: the time of its oldest output, or of the files made from it; 0: none.
  std::vector<std::int64_t> output_time_;
  std::vector<char> is_target_, active_;  // by job
  std::set<NodeId> marked_;               // jobs that a killed Snakemake has not finished
  std::vector<char> target_file_;         // by file
  std::vector<std::uint32_t> edges_first_;
  std::vector<Edge> edges_;
  std::vector<Seen> seen_;  // by file
  std::unordered_map<NodeId, std::vector<Param>> answered_params_;
  std::unordered_map<FileId, std::uint64_t> hashes_;
  std::set<FileId> unchanged_;
  std::unordered_map<NodeId, std::vector<FileId>> changed_while_running_;
  CodeHashes code_hashes_;
  std::vector<char> has_record_;  // by job
  std::size_t without_record_ = 0;
};

}  // namespace furrow::workflow
