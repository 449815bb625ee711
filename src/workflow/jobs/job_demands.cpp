#include "workflow/jobs/job_demands.hpp"

#include <algorithm>

#include "workflow/dag/identity.hpp"

namespace furrow::workflow {

namespace {

// The rule's resources, with functions replaced by their answers.
std::vector<std::pair<std::string, ResourceValue>> merged(
    const Rule& rule, std::vector<std::pair<std::string, ResourceValue>> answered) {
  for (const auto& [name, value] : rule.resources) {
    const bool is_answered = std::any_of(answered.begin(), answered.end(),
                                         [&, n = &name](const auto& a) { return a.first == *n; });
    if (!is_answered && !std::holds_alternative<FunctionValue>(value)) answered.emplace_back(name, value);
  }
  return answered;
}

}  // namespace

JobDemands::JobDemands(const Dag& dag, const RuleSet& rules, Evaluator& evaluator, plan::Resources& resources,
                       std::int64_t most_threads)
    : dag_(dag), rules_(rules), evaluator_(evaluator), resources_(resources), most_threads_(most_threads) {}

std::vector<Result<JobDemands::SharedDemand>> JobDemands::find(std::span<const NodeId> nodes, int attempt,
                                                               bool is_ahead) {
  std::vector<Result<SharedDemand>> demands(nodes.size());
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const CompiledRule& rule = rules_[dag_.node(nodes[i]).rule];
    if (rule.has_detail_functions) {
      asked.push_back(i);
    } else {
      demands[i] = fixed(rule);
    }
  }
  for (std::size_t begin = 0; begin < asked.size(); begin += kEvaluatorBatch) {
    const std::size_t count = std::min(kEvaluatorBatch, asked.size() - begin);
    ask(nodes, std::span(asked).subspan(begin, count), attempt, is_ahead, demands);
  }
  return demands;
}

void JobDemands::ask(std::span<const NodeId> nodes, std::span<const std::size_t> places, int attempt,
                     bool is_ahead, std::vector<Result<SharedDemand>>& demands) {
  std::vector<DetailQuestion> questions;
  for (const std::size_t place : places) {
    DetailQuestion& question =
        questions.emplace_back(DetailQuestion{view_of(dag_, rules_, nodes[place]), true, true, false});
    question.job.attempt = attempt;
    question.job.is_ahead = is_ahead;
  }
  auto answers = evaluator_.details(questions);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const CompiledRule& rule = rules_[dag_.node(nodes[places[i]]).rule];
    demands[places[i]] =
        answers[i] ? settle(rule, {answers[i]->threads, merged(rule.rule, std::move(answers[i]->resources))})
                   : fail(located(std::move(answers[i].error()), rule.rule));
  }
}

Result<JobDemands::SharedDemand> JobDemands::fixed(const CompiledRule& rule) {
  if (const auto known = fixed_.find(rule.id); known != fixed_.end()) return known->second;
  const auto* threads = std::get_if<std::int64_t>(&rule.rule.threads);
  return fixed_.emplace(rule.id, settle(rule, {threads ? *threads : 1, merged(rule.rule, {})})).first->second;
}

Result<JobDemands::SharedDemand> JobDemands::settle(const CompiledRule& rule, Demand demand) {
  if (demand.threads < 0)
    return fail(rule_error(
        rule.rule, "rule " + rule.rule.name + " asks for " + std::to_string(demand.threads) + " threads",
        "Give a number from 0 on."));
  demand.threads = std::min(demand.threads, most_threads_);
  const bool is_apart = local_cores_ > 0 && rule.rule.is_local;
  if (is_apart) demand.threads = std::min(demand.threads, local_cores_);
  plan::Amounts amounts(1, rule.rule.kind == RuleKind::kNone || is_apart ? 0 : demand.threads);
  if (is_apart) {
    amounts.resize(resources_.index(kLocalCores) + 1, 0);
    amounts[resources_.index(kLocalCores)] = demand.threads;
  }
  for (const auto& [name, value] : demand.resources) {
    const auto* amount = std::get_if<std::int64_t>(&value);
    if (!amount || name == "_cores") continue;
    if (*amount < 0)
      return fail(rule_error(
          rule.rule, "rule " + rule.rule.name + " asks for " + std::to_string(*amount) + " of " + name,
          "Give a number from 0 on."));
    if (local_cores_ > 0 && !is_apart && of_each_.contains(name)) continue;
    const std::size_t index = resources_.index(name);
    if (index >= amounts.size()) amounts.resize(index + 1, 0);
    amounts[index] = *amount;
  }
  demand.id = resources_.demand(std::move(amounts));
  return std::make_shared<const Demand>(std::move(demand));
}

}  // namespace furrow::workflow
