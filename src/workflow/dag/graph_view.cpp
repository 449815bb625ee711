#include "workflow/dag/graph_view.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "base/strings.hpp"

namespace furrow::workflow {

namespace {

std::string escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string escape_mermaid(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"') {
      escaped += "#quot;";
    } else if (c == '#') {
      escaped += "#35;";
    } else if (c == '\n') {
      escaped += "<br>";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// A different hue for each rule, spread evenly.
std::string color(RuleId rule, std::size_t rules) {
  return fmt::format("{:.2f} 0.6 0.85",
                     static_cast<double>(rule) / static_cast<double>(std::max<std::size_t>(rules, 1)));
}

std::string label_of(const Dag& dag, const RuleSet& rules, NodeId node) {
  const CompiledRule& rule = rules[dag.node(node).rule];
  std::string label = rule.rule.name;
  const auto values = dag.values(node, rules);
  for (std::size_t i = 0; i < values.size(); ++i)
    label += "\n" + rule.wildcards[i] + ": " + std::string(values[i]);
  return label;
}

using Link = std::pair<std::uint32_t, std::uint32_t>;

std::string draw(const std::string& name,
                 const std::vector<std::tuple<std::uint32_t, std::string, std::string, bool>>& boxes,
                 const std::set<Link>& links, GraphFormat format) {
  std::string text;
  if (format == GraphFormat::kMermaid) {
    text = "flowchart TB\n";
    for (const auto& [id, label, hue, dashed] : boxes) {
      text += fmt::format("    id{}[\"{}\"]\n", id, escape_mermaid(label));
      if (dashed) text += fmt::format("    style id{} stroke-dasharray: 5\n", id);
    }
    for (const auto& [from, to] : links) text += fmt::format("    id{} --> id{}\n", from, to);
    return text;
  }
  text = "digraph " + name +
         " {\n    graph [bgcolor=white, margin=0];\n    node [shape=box, style=rounded, fontname=sans, "
         "fontsize=10, penwidth=2];\n"
         "    edge [penwidth=2, color=grey];\n";
  for (const auto& [id, label, hue, dashed] : boxes)
    text += fmt::format("    {}[label = \"{}\", color = \"{}\", style=\"rounded{}\"];\n", id, escape(label),
                        hue, dashed ? ",dashed" : "");
  for (const auto& [from, to] : links) text += fmt::format("    {} -> {}\n", from, to);
  return text + "}\n";
}

std::string time_of(std::int64_t mtime_ns) {
  if (mtime_ns == 0) return "-";
  return fmt::format("{:%Y-%m-%d %H:%M:%S}",
                     fmt::localtime(static_cast<std::time_t>(mtime_ns / 1'000'000'000)));
}

}  // namespace

std::string job_graph(const Dag& dag, const RuleSet& rules, const Staleness& staleness, GraphFormat format) {
  std::vector<std::tuple<std::uint32_t, std::string, std::string, bool>> boxes;
  std::set<Link> links;
  for (const NodeId node : dag.order()) {
    boxes.emplace_back(node, label_of(dag, rules, node), color(dag.node(node).rule, rules.size()),
                       !staleness.must_run(node));
    for (const FileId file : dag.inputs(node)) {
      if (const NodeId made_by = dag.producer(file); made_by != kNoNode) links.emplace(made_by, node);
    }
  }
  return draw("jobs", boxes, links, format);
}

std::string rule_graph(const Dag& dag, const RuleSet& rules, GraphFormat format) {
  std::set<RuleId> seen;
  std::set<Link> links;
  for (const NodeId node : dag.order()) {
    seen.insert(dag.node(node).rule);
    for (const FileId file : dag.inputs(node)) {
      if (const NodeId made_by = dag.producer(file); made_by != kNoNode)
        links.emplace(dag.node(made_by).rule, dag.node(node).rule);
    }
  }
  std::vector<std::tuple<std::uint32_t, std::string, std::string, bool>> boxes;
  for (const RuleId rule : seen)
    boxes.emplace_back(rule, rules[rule].rule.name, color(rule, rules.size()), false);
  return draw("rules", boxes, links, format);
}

std::string file_graph(const Dag& dag, const RuleSet& rules) {
  std::set<RuleId> seen;
  std::set<Link> links;
  std::unordered_map<RuleId, std::set<std::string>> inputs;
  for (const NodeId node : dag.order()) {
    const RuleId rule = dag.node(node).rule;
    seen.insert(rule);
    for (const FileId file : dag.inputs(node)) {
      if (const NodeId made_by = dag.producer(file); made_by != kNoNode) {
        links.emplace(dag.node(made_by).rule, rule);
      } else {
        inputs[rule].emplace(dag.files.view(file));
      }
    }
  }
  std::vector<std::tuple<std::uint32_t, std::string, std::string, bool>> boxes;
  for (const RuleId rule : seen) {
    std::string label = rules[rule].rule.name;
    for (const std::string& file : inputs[rule]) label += "\n<- " + file;
    for (const Template& output : rules[rule].outputs) label += "\n-> " + output.pattern.text();
    boxes.emplace_back(rule, std::move(label), color(rule, rules.size()), false);
  }
  return draw("files", boxes, links, GraphFormat::kDot);
}

namespace {

// As one cell of a table: without line feeds and tabs.
std::string in_one_line(std::string_view command) {
  std::string line;
  for (const std::string& part : split(command, '\n')) {
    const std::size_t first = part.find_first_not_of(" \t\r");
    if (first == std::string::npos) continue;
    line += (line.empty() ? "" : "; ") + part.substr(first, part.find_last_not_of(" \t\r") + 1 - first);
  }
  std::replace(line.begin(), line.end(), '\t', ' ');
  return line.empty() ? "-" : line;
}

std::string inputs_of(const Dag& dag, NodeId node) {
  std::vector<std::string> names;
  for (const FileId file : dag.inputs(node)) names.emplace_back(dag.files.view(file));
  return names.empty() ? "-" : join(names, ",");
}

}  // namespace

std::string summary(const Dag& dag, const RuleSet& rules, FileStates& states, const Staleness& staleness,
                    const std::vector<std::string>* commands) {
  std::string text = fmt::format("output_file\tdate\trule\tlog-file(s)\t{}status\tplan\n",
                                 commands ? "input-file(s)\tshellcmd\t" : "");
  std::size_t place = 0;
  for (const NodeId node : dag.order()) {
    const std::string more =
        commands ? inputs_of(dag, node) + '\t' + in_one_line((*commands)[place++]) + '\t' : std::string();
    const CompiledRule& rule = rules[dag.node(node).rule];
    const auto values = dag.values(node, rules);
    std::vector<std::string> logs;
    for (const Template& log : rule.logs) logs.push_back(log.filled(values));
    for (const FileId file : dag.outputs(node, rules)) {
      const bool there = states.exists(file);
      const std::string status = !there                     ? "missing"
                                 : staleness.must_run(node) ? describe(staleness.reasons(node))
                                                            : "ok";
      text += fmt::format("{}\t{}\t{}\t{}\t{}{}\t{}\n", dag.files.view(file), time_of(states.mtime_ns(file)),
                          rule.rule.name, join(logs, ","), more, status,
                          staleness.must_run(node) ? "update pending" : "no update");
    }
  }
  return text;
}

std::string describe(Reasons reasons) {
  static const std::pair<Reason, const char*> kTexts[] = {
      {kForced, "forced"},
      {kMissingOutput, "output is missing"},
      {kIncomplete, "its last run failed or was interrupted"},
      {kNewerInput, "input is newer"},
      {kChangedInput, "input has changed"},
      {kInputsChanged, "set of inputs has changed"},
      {kParamsChanged, "params have changed"},
      {kCodeChanged, "code has changed"},
      {kEnvironmentChanged, "software environment has changed"},
      {kUpstream, "input is made again"},
      {kNothingMade, "makes no files"},
      {kParamsFail, "a function of its params fails"},
      {kInDoubt, "perhaps not whole after a power cut"},
      {kLostRecord, "its record may be lost"},
      {kOpenQueue, "more inputs may come from its queue"},
  };
  std::vector<std::string> texts;
  for (const auto& [reason, text] : kTexts) {
    if (reasons & reason) texts.emplace_back(text);
  }
  return texts.empty() ? "up to date" : join(texts, ", ");
}

}  // namespace furrow::workflow
