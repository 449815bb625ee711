#include "workflow/job_demands.hpp"

#include <algorithm>

#include "workflow/identity.hpp"

namespace furrow::workflow {

JobDemands::JobDemands(const Dag& dag, const RuleSet& rules, Evaluator& evaluator, plan::Resources& resources, std::int64_t cores)
    : dag_(dag), rules_(rules), evaluator_(evaluator), resources_(resources), cores_(cores) {}

std::vector<Result<JobDemands::Demand>> JobDemands::find(std::span<const NodeId> nodes, int attempt) {
  std::vector<Result<Demand>> demands(nodes.size());
  std::vector<DetailQuestion> questions;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const CompiledRule& rule = rules_[dag_.node(nodes[i]).rule];
    if (rule.has_detail_functions) {
      DetailQuestion& question = questions.emplace_back(DetailQuestion{view_of(dag_, rules_, nodes[i]), true, true, false});
      question.job.attempt = attempt;
      question.job.threads = std::min(question.job.threads, cores_);
      places.push_back(i);
      continue;
    }
    const auto* threads = std::get_if<std::int64_t>(&rule.rule.threads);
    demands[i] = settle(rule, {threads ? *threads : 1, rule.rule.resources});
  }
  if (questions.empty()) return demands;
  auto answers = evaluator_.details(questions);
  for (std::size_t q = 0; q < places.size(); ++q) {
    const CompiledRule& rule = rules_[dag_.node(nodes[places[q]]).rule];
    if (!answers[q]) {
      demands[places[q]] = fail(located(std::move(answers[q].error()), rule.rule));
    } else {
      demands[places[q]] = settle(rule, {answers[q]->threads, std::move(answers[q]->resources)});
    }
  }
  return demands;
}

Result<JobDemands::Demand> JobDemands::settle(const CompiledRule& rule, Demand demand) const {
  if (demand.threads < 0)
    return fail(rule_error(rule.rule, "rule " + rule.rule.name + " asks for " + std::to_string(demand.threads) + " threads", "A job needs none or more."));
  demand.threads = std::min(demand.threads, cores_);
  return demand;
}

plan::DemandId JobDemands::intern(NodeId node, const Demand& demand) {
  const CompiledRule& rule = rules_[dag_.node(node).rule];
  plan::Amounts amounts(1, rule.rule.kind == RuleKind::kNone ? 0 : demand.threads);
  for (const auto& [name, value] : demand.resources) {
    const auto* amount = std::get_if<std::int64_t>(&value);
    if (!amount || name == "_cores") continue;
    const std::size_t index = resources_.index(name);
    if (index >= amounts.size()) amounts.resize(index + 1, 0);
    amounts[index] = *amount;
  }
  return resources_.demand(std::move(amounts));
}

}  // namespace furrow::workflow
