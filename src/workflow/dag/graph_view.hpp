// A workflow as pictures and tables: graphs as Graphviz DOT or Mermaid text, files as tab-separated lines.
#pragma once

#include <string>

#include "store/store.hpp"
#include "workflow/dag/staleness.hpp"

namespace furrow::workflow {

enum class GraphFormat : std::uint8_t { kDot, kMermaid };

std::string job_graph(const Dag& dag, const RuleSet& rules, const Staleness& staleness, GraphFormat format);
std::string rule_graph(const Dag& dag, const RuleSet& rules, GraphFormat format);
std::string file_graph(const Dag& dag, const RuleSet& rules);

// One line for each output: file, date, rule, log, status, plan. With COMMANDS, one for each job in dag.order(),
// also its inputs and command.
std::string summary(const Dag& dag, const RuleSet& rules, FileStates& states, const Staleness& staleness,
                    const std::vector<std::string>* commands = nullptr);

// "1 input is newer, its code changed"
std::string describe(Reasons reasons);

}  // namespace furrow::workflow
