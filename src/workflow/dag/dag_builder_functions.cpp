// How DagBuilder asks the input functions of jobs, and asks those again that wait for a checkpoint.
#include <algorithm>
#include <utility>

#include "workflow/dag/dag_builder.hpp"

namespace furrow::workflow {

void DagBuilder::answer_functions() { answer_functions(std::exchange(waiting_, {})); }

void DagBuilder::answer_functions(std::span<const NodeId> nodes) {
  for (; nodes.size() > kEvaluatorBatch; nodes = nodes.subspan(kEvaluatorBatch))
    answer_functions(nodes.first(kEvaluatorBatch));
  if (nodes.empty()) return;
  std::vector<InputQuestion> questions;
  questions.reserve(nodes.size());
  for (const NodeId node : nodes) {
    const CompiledRule& rule = rules_[dag_.node(node).rule];
    InputQuestion& question = questions.emplace_back(InputQuestion{rule.id, {}});
    const auto values = dag_.values(node, rules_);
    for (std::size_t i = 0; i < values.size(); ++i)
      question.wildcards.emplace_back(rule.wildcards[i], values[i]);
  }
  const std::vector<InputAnswer> answers = evaluator_.inputs(questions);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (answers[i]) {
      add_answered_inputs(nodes[i], *answers[i]);
    } else {
      failed_.emplace(nodes[i], located(answers[i].error(), rules_[dag_.node(nodes[i]).rule].rule));
    }
  }
}

void DagBuilder::add_answered_inputs(NodeId node, const std::vector<std::vector<Entry>>& answer) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  const auto first = static_cast<std::uint32_t>(dag_.inputs_.size());
  const auto values = dag_.values(node, rules_);
  std::vector<Shape>& shapes = dag_.shapes_[node];
  shapes.clear();
  std::vector<FileId> waits_for;
  bool is_open = false;
  std::size_t next_answer = 0;
  const auto here = [&] { return static_cast<std::uint32_t>(dag_.inputs_.size()) - first; };
  for (std::size_t e = 0; e < rule.inputs.size(); ++e) {
    const InputEntry& entry = rule.inputs[e];
    if (!entry.is_function) {
      const std::uint32_t begin = here();
      for (std::uint32_t i = entry.first; i < entry.end; ++i)
        add_item(node, rule, values, rule.input_items[i]);
      shapes.push_back({rule.rule.input[e].name, begin, here(), rule.rule.input[e].is_list});
      continue;
    }
    if (next_answer == answer.size())
      continue;  // a broken answer; the decoder checks that each function has one
    for (const Entry& answered : answer[next_answer++]) {
      const std::uint32_t begin = here();
      for (const Item& item : answered.items) {
        const FileId file = dag_.files.intern(item.pattern);
        add_input(file, item.flags);
        if (item.made_by != kNoRule) named_.add(node, file, item.made_by, true);
      }
      if (answered.waits) waits_for.push_back(dag_.inputs_.back());
      is_open |= answered.is_open;
      shapes.push_back({answered.name, begin, here(), answered.is_list});
    }
  }
  finish_inputs(node, first);
  is_open ? static_cast<void>(dag_.open_queues_.insert(node))
          : static_cast<void>(dag_.open_queues_.erase(node));
  if (waits_for.empty() && !is_open) return;
  if (auto error = waiting_jobs_.add(dag_, rules_, node, waits_for)) {
    failed_.emplace(node, *std::move(error));
  } else {
    dag_.unanswered_[node] = std::move(waits_for);
  }
}

// Files that no job makes may have come with what a checkpoint has made.
void DagBuilder::look_at_sources(NodeId first_new, std::span<const NodeId> changed) {
  std::vector<FileId> sources;
  const auto add = [&](NodeId node) {
    for (const FileId file : dag_.inputs(node)) {
      if (dag_.producer(file) == kNoNode) sources.push_back(file);
    }
  };
  for (const NodeId node : changed) add(node);
  for (NodeId node = first_new; node < dag_.size(); ++node) add(node);
  states_.reload(sources);
  assume_remote();
}

// What a job was before it was asked again.
struct DagBuilder::Asked {
  NodeId node;
  bool has_waited;
  Dag::Inputs place;
  std::vector<FileId> inputs;
  std::vector<Shape> shapes;
};

std::vector<DagBuilder::Asked> DagBuilder::ask_again(std::span<const FileId> finished,
                                                     std::span<const NodeId> again) {
  std::vector<NodeId> nodes = waiting_jobs_.take(finished, dag_);
  for (const NodeId node : again) {
    if (std::find(nodes.begin(), nodes.end(), node) == nodes.end()) nodes.push_back(node);
  }
  std::vector<Asked> asked;
  for (const NodeId node : nodes) {
    const Dag::Inputs place{dag_.node(node).first_input, dag_.node(node).input_count};
    const auto inputs = dag_.inputs(node);
    asked.push_back(
        {node, dag_.is_unanswered(node), place, {inputs.begin(), inputs.end()}, dag_.shapes_[node]});
    dag_.unanswered_.erase(node);
    dag_.set_aside_.erase(node);
  }
  looked_up_.clear();
  current_depth_ = 0;
  answer_functions(nodes);
  return asked;
}

// A job that has not waited, and has the same inputs as before, stays as it is.
bool DagBuilder::is_unchanged(const Asked& asked) const {
  const auto now = dag_.inputs(asked.node);
  return !asked.has_waited && !failed_.contains(asked.node) && !dag_.is_unanswered(asked.node) &&
         std::equal(now.begin(), now.end(), asked.inputs.begin(), asked.inputs.end());
}

void DagBuilder::restore(Asked asked) {
  dag_.set_inputs(asked.node, asked.place);
  dag_.shapes_[asked.node] = std::move(asked.shapes);
  dag_.unanswered_.erase(asked.node);
  dag_.open_queues_.erase(asked.node);
}

Result<Extension> DagBuilder::extend(std::span<const FileId> finished, std::span<const NodeId> again) {
  Extension extension;
  const auto first_new = static_cast<NodeId>(dag_.size());
  std::vector<Asked> asked = ask_again(finished, again);
  if (asked.empty()) return extension;
  std::vector<NodeId> nodes;
  for (const Asked& each : asked) nodes.push_back(each.node);
  FURROW_TRY(expand_and_choose([&] {
    look_at_sources(first_new, nodes);
    selection_->extend(first_new, nodes);
    return selection_->stuck();
  }));
  for (Asked& each : asked) {
    const bool stays = is_unchanged(each);
    auto chosen = stays ? Result<void>{} : selection_->add(each.node, allow_ambiguity_, extension.added);
    if (chosen && !stays) {
      extension.answered.push_back({each.node, std::move(each.inputs), each.has_waited});
      continue;
    }
    if (!chosen) extension.failed.emplace_back(each.node, std::move(chosen.error()));
    restore(std::move(each));
  }
  return extension;
}

}  // namespace furrow::workflow
