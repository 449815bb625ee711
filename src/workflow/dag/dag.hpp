// The jobs and files of a workflow and their dependencies: flat arrays, ids instead of pointers, a few dozen
// bytes for each job.
//
// Built by DagBuilder, which may extend it later, once jobs of checkpoints have ended; otherwise immutable. Ids are
// dense. Not thread-safe while it is built.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "os/files/files.hpp"
#include "workflow/rules/evaluator.hpp"
#include "workflow/rules/rule_set.hpp"

namespace furrow::workflow {

using NodeId = std::uint32_t;  // a job of the workflow, whether it has to run or not
constexpr NodeId kNoNode = 0xffffffffu;

class Dag {
 public:
  struct Node {
    RuleId rule;
    std::uint32_t first_value;  // of its wildcards; the rule knows how many
    std::uint32_t first_input, input_count;
    std::uint32_t first_output;  // without logs; the rule knows how many
  };

  StringTable files;

  std::size_t size() const { return nodes_.size(); }
  const Node& node(NodeId id) const { return nodes_[id]; }
  std::span<const FileId> inputs(NodeId id) const {
    return {inputs_.data() + nodes_[id].first_input, nodes_[id].input_count};
  }
  std::span<const FileFlags> input_flags(NodeId id) const {
    return {input_flags_.data() + nodes_[id].first_input, nodes_[id].input_count};
  }
  std::span<const FileId> outputs(NodeId id, const RuleSet& rules) const {
    return {outputs_.data() + nodes_[id].first_output, rules[nodes_[id].rule].outputs.size()};
  }
  FileFlags output_flags(FileId file, const RuleSet& rules) const;  // of its producer; 0 for a source file
  std::vector<std::string_view> values(NodeId id, const RuleSet& rules) const;
  const std::vector<Shape>* shape(NodeId id) const;  // null if it follows from the rule alone

  // The job that makes FILE; kNoNode for a source file.
  NodeId producer(FileId file) const { return file < producer_.size() ? producer_[file] : kNoNode; }
  // The jobs that the targets need, each after the jobs that it needs.
  const std::vector<NodeId>& order() const { return order_; }
  const std::vector<NodeId>& targets() const { return targets_; }  // the jobs that make the targets
  const std::vector<FileId>& target_files() const { return target_files_; }
  // A job that reads FILE as it is before the job that updates it.
  struct EarlyReader {
    NodeId node;
    FileId file;
  };
  const std::vector<EarlyReader>& early_readers() const { return early_readers_; }

  // Jobs with input functions that wait for checkpoints, and the files that they wait for. Until these have answered,
  // such a file is all that is known of the function's result.
  using Unanswered = std::unordered_map<NodeId, std::vector<FileId>>;
  const Unanswered& unanswered() const { return unanswered_; }
  bool is_unanswered(NodeId node) const { return !unanswered_.empty() && unanswered_.contains(node); }
  // Jobs with such functions that were cut away and are asked all the same: wanted jobs may turn up behind them.
  const Unanswered& set_aside() const { return set_aside_; }
  bool may_grow() const { return !unanswered_.empty() || !set_aside_.empty(); }
  // The files that functions of NODE, set aside or not, wait for; null: none.
  const std::vector<FileId>* awaited(NodeId node) const;

  // Those of them whose functions take files from a queue to which more may come. What is known of their inputs is what has
  // come so far.
  const std::set<NodeId>& open_queues() const { return open_queues_; }

  // The inputs of a job from now on: COUNT of them, from FIRST on. Returns those that it had.
  struct Inputs {
    std::uint32_t first, count;
  };
  Inputs set_inputs(NodeId id, Inputs inputs) {
    const Inputs before{nodes_[id].first_input, nodes_[id].input_count};
    nodes_[id].first_input = inputs.first;
    nodes_[id].input_count = inputs.count;
    return before;
  }

  // Drops the jobs for which KEPT is false. Of these, jobs that wait for what a kept job makes are set aside if ASIDE is
  // true.
  template <class Kept, class Aside>
  void keep(Kept kept, Aside aside) {
    std::erase_if(order_, [&](NodeId node) { return !kept(node); });
    std::erase_if(open_queues_, [&](NodeId node) { return !kept(node); });
    std::erase_if(targets_, [&](NodeId node) { return !kept(node); });
    Unanswered open = std::exchange(unanswered_, {});
    open.merge(set_aside_);
    set_aside_.clear();
    for (auto& [node, awaited_files] : open) {
      if (kept(node)) {
        unanswered_.emplace(node, std::move(awaited_files));
      } else if (aside(node) && std::any_of(awaited_files.begin(), awaited_files.end(), [&](FileId file) {
                   return producer(file) != kNoNode && kept(producer(file));
                 })) {
        set_aside_.emplace(node, std::move(awaited_files));
      }
    }
  }
  void set_targets(std::vector<NodeId> targets, std::vector<FileId> target_files) {
    targets_ = std::move(targets);
    target_files_ = std::move(target_files);
  }
  void add_target(NodeId node) { targets_.push_back(node); }

 private:
  friend class DagBuilder;
  friend class DagSelection;

  std::vector<Node> nodes_;
  std::vector<FileId> inputs_, outputs_;
  std::vector<FileFlags> input_flags_;
  StringTable values_text_;
  std::vector<StringTable::Id> values_;
  std::unordered_map<NodeId, std::vector<Shape>> shapes_;
  Unanswered unanswered_, set_aside_;
  std::set<NodeId> open_queues_;
  std::vector<NodeId> producer_;  // by file
  std::vector<NodeId> order_, targets_;
  std::vector<FileId> target_files_;
  std::vector<EarlyReader> early_readers_;
};

// Another name of the same file, which no rule makes: for an input as it is before its update.
std::string name_before_update(std::string_view path);
// PATH as the workflow names it.
std::string_view plain_name(std::string_view path, FileFlags flags);

}  // namespace furrow::workflow
