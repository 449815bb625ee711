#include "cli/run/keep_workflow.hpp"

#include <set>

#include "base/strings.hpp"
#include "os/files/files.hpp"
#include "report/redactor.hpp"
#include "report/workflow_facts.hpp"
#include "snakefile/fetch.hpp"

namespace furrow::cli {

namespace {

using report::RuleFacts;
using report::WorkflowFacts;

// All journals together may have 64 MB: a larger configuration would cost the memory of earlier runs.
constexpr std::size_t kLongestConfig = 1 << 20;

const char* name_of(workflow::RuleKind kind) {
  switch (kind) {
    case workflow::RuleKind::kShell:
      return "shell";
    case workflow::RuleKind::kRun:
      return "run";
    case workflow::RuleKind::kScript:
      return "script";
    default:
      return "none";
  }
}

// From the folder of the workflow, the current one.
std::string from_folder(const std::string& path) {
  if (path.empty() || snakefile::is_address(path)) return path;
  const std::string folder = os::current_directory() + "/", place = os::absolute(path);
  return place.starts_with(folder) ? place.substr(folder.size()) : place;
}

void add_environment(RuleFacts& facts, const deploy::Environment& environment) {
  using Kind = deploy::Environment::Kind;
  if (environment.kind == Kind::kCondaFile) facts.conda_file = from_folder(environment.address);
  if (environment.kind == Kind::kCondaName || environment.kind == Kind::kCondaFolder)
    facts.conda_name = environment.address;
  facts.image = environment.image;
  facts.modules = environment.modules;
}

RuleFacts facts_of(const workflow::CompiledRule& compiled) {
  const workflow::Rule& rule = compiled.rule;
  RuleFacts facts{.name = rule.name,
                  .file = from_folder(rule.file),
                  .kind = name_of(rule.kind),
                  .docstring = rule.docstring};
  facts.line = rule.line;
  facts.script = from_folder(rule.script);
  facts.wildcards = compiled.wildcards;
  if (!rule.has_environment_function) add_environment(facts, rule.environment);
  return facts;
}

// Rules that turn up behind a checkpoint are not in the plan yet.
std::set<workflow::RuleId> rules_of(WorkflowSession& session) {
  std::set<workflow::RuleId> rules;
  if (session.growth()) {
    for (workflow::RuleId rule = 0; rule < session.rules().size(); ++rule) rules.insert(rule);
  }
  for (const workflow::NodeId node : session.dag().order()) rules.insert(session.dag().node(node).rule);
  return rules;
}

report::SourceFile source_of(const std::string& path) {
  const os::FileStatus status = os::status(path);
  return {path, status.newest_ns(), status.size, os::hash_file(path).value_or(0)};
}

void add_sources(WorkflowFacts& facts) {
  std::set<std::string> paths{facts.snakefile};
  paths.insert(facts.included.begin(), facts.included.end());
  paths.insert(facts.config_files.begin(), facts.config_files.end());
  for (const RuleFacts& rule : facts.rules) paths.insert({rule.script, rule.conda_file});
  for (const std::string& path : paths) {
    if (os::status(path).kind == os::FileStatus::Kind::kFile) facts.sources.push_back(source_of(path));
  }
}

std::string command_of(const WorkflowSession& session, const report::Redactor& redactor) {
  std::string command = "furrow run";
  for (const std::string& word : session.options().typed)
    command += " " + shell_quote(redactor.redacted(word));
  return command;
}

}  // namespace

std::string workflow_facts_of(WorkflowSession& session) {
  const workflow::Snakefile& snakefile = session.snakefile();
  WorkflowFacts facts;
  facts.folder = os::current_directory();
  for (const std::string& file : snakefile.files) {
    if (facts.snakefile.empty()) {
      facts.snakefile = from_folder(file);
    } else {
      facts.included.push_back(from_folder(file));
    }
  }
  facts.envvars = snakefile.envvars;
  facts.envvars.insert(facts.envvars.end(), session.options().envvars.begin(),
                       session.options().envvars.end());
  const auto redactor = report::Redactor::of_variables(facts.envvars);
  facts.command = command_of(session, redactor);
  facts.python = session.python_version();
  if (session.config().size() <= kLongestConfig)
    facts.config = redactor.redacted_json(session.config()).value_or("{}");
  for (const std::string& file : snakefile.config_files) facts.config_files.push_back(from_folder(file));
  for (const workflow::RuleId rule : rules_of(session))
    facts.rules.push_back(facts_of(session.rules()[rule]));
  add_sources(facts);
  return report::to_json(facts);
}

}  // namespace furrow::cli
