#include "report/crate/crate_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/hash.hpp"
#include "os/files/files.hpp"
#include "report/crate/iri.hpp"

namespace furrow::report {

namespace {

// Rules such as `rule all` only name files.
bool has_executed(const store::JobRecord& record) {
  return record.started_at > 0 &&
         (!record.command.empty() || !record.outputs.empty() || record.phase != store::JobPhase::kFinished);
}

class Planner {
 public:
  Planner(const RunHistory& history, CrateFiles& files) : history_(history), files_(files) {}

  Result<CratePlan> plan() && {
    FURROW_TRY(find_workflows());
    for (std::uint32_t at = 0; at < history_.jobs.size(); ++at) add_job(at);
    if (plan_.jobs.empty())
      return fail(Error{"there is nothing to export: no job has ended yet", "", 0,
                        "Run the workflow first, or wait until the run has made something."});
    return std::move(plan_);
  }

 private:
  // The last run first: its workflow is the main one.
  Result<void> find_workflows() {
    plan_.workflow_of_run.resize(history_.runs.size());
    std::map<std::string, std::uint32_t> known;
    for (std::size_t at = history_.runs.size(); at-- > 0;) {
      const WorkflowFacts& facts = history_.runs[at].workflow;
      if (facts.snakefile.empty()) continue;
      const auto [place, is_new] =
          known.try_emplace(facts.snakefile, static_cast<std::uint32_t>(plan_.workflows.size()));
      if (is_new) add_workflow(facts);
      plan_.workflow_of_run[at] = place->second;
    }
    if (!plan_.workflows.empty()) return {};
    if (history_.jobs.empty())
      return fail(Error{"there is nothing to export: no job has run", "", 0, "Run the workflow first."});
    return fail(Error{"the runs here do not say which workflow they ran: an older furrow made them", "", 0,
                      "Run the workflow once more with this one; a job that is due is enough."});
  }

  void add_workflow(const WorkflowFacts& facts) {
    PlannedWorkflow workflow{.facts = facts};
    const std::size_t number = plan_.workflows.size() + 1;
    workflow.base = number == 1 ? "#" : "#workflow-" + std::to_string(number) + "/";
    workflow.snakefile = add_source(facts, facts.snakefile);
    for (const std::string& path : facts.included) workflow.included.push_back(add_source(facts, path));
    for (const std::string& path : facts.config_files) {
      if (path.find("://") == std::string::npos) workflow.config_files.push_back(add_source(facts, path));
    }
    plan_.workflows.push_back(std::move(workflow));
  }

  std::uint32_t add_source(const WorkflowFacts& facts, const std::string& path) {
    const auto found = std::find_if(facts.sources.begin(), facts.sources.end(),
                                    [&](const SourceFile& source) { return source.path == path; });
    return files_.add_source(found == facts.sources.end() ? SourceFile{path} : *found);
  }

  std::uint32_t rule_of(const HistoryJob& job) {
    const std::uint32_t number = plan_.workflow_of_run[job.run];
    const auto [place, is_new] =
        rules_.try_emplace({number, job.record.rule}, static_cast<std::uint32_t>(plan_.rules.size()));
    if (!is_new) return place->second;
    const PlannedWorkflow& workflow = plan_.workflows[number];
    const RuleFacts* facts = facts_of(workflow.facts, job.record.rule);
    // Renamed since; the run of the job knows it.
    if (!facts) facts = facts_of(history_.runs[job.run].workflow, job.record.rule);
    PlannedRule rule{.facts = facts ? *facts : RuleFacts{.name = job.record.rule}, .workflow = number};
    rule.tool = workflow.base + "rule/" + name_iri(job.record.rule);
    rule.step = workflow.base + "step/" + name_iri(job.record.rule);
    const WorkflowFacts& from = workflow.facts;
    if (!rule.facts.script.empty()) rule.script = add_source(from, rule.facts.script);
    if (!rule.facts.conda_file.empty()) rule.conda_file = add_source(from, rule.facts.conda_file);
    plan_.rules.push_back(std::move(rule));
    return place->second;
  }

  static const RuleFacts* facts_of(const WorkflowFacts& facts, const std::string& rule) {
    const auto found = std::find_if(facts.rules.begin(), facts.rules.end(),
                                    [&](const RuleFacts& known) { return known.name == rule; });
    return found == facts.rules.end() ? nullptr : &*found;
  }

  void add_job(std::uint32_t number) {
    const HistoryJob& job = history_.jobs[number];
    if (job.state == JobState::kRunning) {
      ++plan_.running;
      return;
    }
    if (!has_executed(job.record)) return;
    PlannedJob planned{.job = number, .rule = rule_of(job)};
    const std::string& run = history_.runs[job.run].facts.run;
    planned.id = fmt::format("#job/{:016x}{:016x}", hash64(job.record.key, 1),
                             hash64(run + " " + std::to_string(job.record.attempt) + job.record.key, 2));
    const double ended_at = std::max(job.record.started_at, job.record.finished_at);
    for (const store::FileStamp& stamp : job.record.inputs)
      planned.inputs.push_back(files_.add(stamp, false, ended_at));
    for (const store::FileStamp& stamp : job.record.outputs) {
      const bool was_made = stamp.mtime_ns != 0 || stamp.size != 0;
      if (was_made) planned.outputs.push_back(files_.add(stamp, true, ended_at));
    }
    plan_.jobs.push_back(std::move(planned));
  }

  const RunHistory& history_;
  CrateFiles& files_;
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> rules_;
  CratePlan plan_;
};

}  // namespace

Result<CratePlan> plan_crate(const RunHistory& history, CrateFiles& files) {
  return Planner(history, files).plan();
}

}  // namespace furrow::report
