#include "workflow/dag/software_environments.hpp"

#include <algorithm>
#include <utility>

#include "workflow/dag/identity.hpp"

namespace furrow::workflow {

SoftwareEnvironments::SoftwareEnvironments(const Dag& dag, const RuleSet& rules, Evaluator& evaluator,
                                           deploy::Environments& environments)
    : dag_(dag), rules_(rules), evaluator_(evaluator), environments_(environments) {
  for (RuleId id = 0; id < rules.size(); ++id) {
    const Rule& rule = rules[id].rule;
    has_functions_ |= rule.has_environment_function;
    any_ |= rule.has_environment_function || !rule.environment.is_none();
  }
}

void SoftwareEnvironments::ask(std::span<const NodeId> nodes) {
  if (!has_functions_) return;
  std::vector<NodeId> asked;
  std::vector<DetailQuestion> questions;
  for (const NodeId node : nodes) {
    if (is_known(node) || dag_.is_unanswered(node)) continue;
    asked.push_back(node);
    questions.push_back({.job = view_of(dag_, rules_, node), .environment = true});
    questions.back().job.is_ahead = true;
  }
  for (std::size_t begin = 0; begin < asked.size(); begin += kEvaluatorBatch) {
    const std::size_t count = std::min(kEvaluatorBatch, asked.size() - begin);
    auto answers = evaluator_.details(std::span(questions).subspan(begin, count));
    for (std::size_t i = 0; i < count; ++i) {
      if (answers[i]) {
        answered_.insert_or_assign(asked[begin + i], std::move(answers[i]->environment));
      } else {
        answered_.insert_or_assign(asked[begin + i], fail(std::move(answers[i].error())));
      }
    }
  }
}

void SoftwareEnvironments::set(NodeId node, deploy::Environment environment) {
  answered_.insert_or_assign(node, std::move(environment));
}

bool SoftwareEnvironments::is_known(NodeId node) const {
  if (!rule(node).has_environment_function) return true;
  const auto answer = answered_.find(node);
  return answer != answered_.end() && answer->second;
}

const Error* SoftwareEnvironments::error(NodeId node) const {
  const auto answer = answered_.find(node);
  return answer == answered_.end() || answer->second ? nullptr : &answer->second.error();
}

const deploy::Environment& SoftwareEnvironments::of(NodeId node) const {
  static const deploy::Environment kNone;
  if (!rule(node).has_environment_function) return rule(node).environment;
  const auto answer = answered_.find(node);
  return answer == answered_.end() || !answer->second ? kNone : *answer->second;
}

std::string SoftwareEnvironments::identity(NodeId node) const { return environments_.identity(of(node)); }

}  // namespace furrow::workflow
