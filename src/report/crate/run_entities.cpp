#include "report/crate/run_entities.hpp"

#include <map>
#include <set>

#include "report/crate/iri.hpp"
#include "report/crate/profiles.hpp"
#include "text/json.hpp"

namespace furrow::report {

namespace {

const char* status_of(const HistoryRun& run) {
  if (run.is_running) return kActive;
  return run.has_succeeded() ? kCompleted : kFailed;
}

std::string why_failed(const HistoryRun& run) {
  if (run.is_running || run.has_succeeded()) return {};
  if (!run.has_finished) return "The run was killed.";
  if (run.stopped_by != 0) return "Signal " + std::to_string(run.stopped_by) + " stopped it.";
  return "A job has failed.";
}

const char* type_of(const text::JsonValue& value) {
  if (value.IsBool()) return "Boolean";
  if (value.IsInt64() || value.IsUint64()) return "Integer";
  if (value.IsNumber()) return "Float";
  return value.IsObject() || value.IsArray() ? "PropertyValue" : "Text";
}

}  // namespace

RunEntities::RunEntities(const CrateContents& contents, const Makers& makers, Parameters& parameters,
                         FileEntities& files, Agents& agents)
    : contents_(contents),
      makers_(makers),
      parameters_(parameters),
      files_(files),
      agents_(agents),
      jobs_(contents.history.runs.size()) {
  for (std::uint32_t at = 0; at < contents.plan.jobs.size(); ++at)
    jobs_[contents.job(contents.plan.jobs[at]).run].push_back(at);
}

std::string RunEntities::workflow_id(const HistoryRun& run) {
  return "#run/" + (run.is_remembered ? name_iri(run.facts.run) : "earlier");
}

std::string RunEntities::engine_id(const HistoryRun& run) { return workflow_id(run) + "/engine"; }

void RunEntities::write(const AddEntity& add) {
  for (std::uint32_t run = 0; run < contents_.history.runs.size(); ++run) {
    if (jobs_[run].empty()) continue;
    write_workflow(add, run);
    write_engine(add, run);
  }
}

void RunEntities::add_times(Entity& entity, const HistoryRun& run) const {
  entity.text("startTime", iso_time(run.facts.began_at))
      .text("endTime", run.is_running ? "" : iso_time(run.ended_at))
      .text("actionStatus", status_of(run))
      .text("error", why_failed(run));
}

// A member of the configuration is a parameter; what has parts is a value as JSON.
std::vector<std::string> RunEntities::config_of(std::uint32_t number) {
  const PlannedWorkflow& workflow = contents_.plan.workflows[contents_.plan.workflow_of_run[number]];
  const auto document =
      text::JsonDocument::parse(contents_.history.runs[number].workflow.config, "the configuration");
  std::vector<std::string> ids;
  if (!document || !document->root().IsObject()) return ids;
  for (const auto& member : document->root().GetObject()) {
    const std::string name(text::view(member.name));
    const std::string value =
        member.value.IsString() ? std::string(text::view(member.value)) : text::to_text(member.value);
    ids.push_back(parameters_.value({contents_.id_of(workflow.snakefile), Direction::kInput,
                                     workflow.base + "config/" + name_iri(name), name, type_of(member.value)},
                                    value));
  }
  return ids;
}

// Its inputs are the files that no job of the run has made, its results those that no other job of the run needed.
void RunEntities::write_workflow(const AddEntity& add, std::uint32_t number) {
  const HistoryRun& run = contents_.history.runs[number];
  const PlannedWorkflow& workflow = contents_.plan.workflows[contents_.plan.workflow_of_run[number]];
  const std::set<std::uint32_t> own(jobs_[number].begin(), jobs_[number].end());
  std::set<std::uint32_t> used;
  std::vector<std::uint32_t> inputs, results;
  for (const std::uint32_t at : jobs_[number]) {
    for (const std::uint32_t version : contents_.plan.jobs[at].inputs) {
      used.insert(contents_.files.file_of(version));
      if (!own.contains(makers_.of(contents_.file(version).path))) inputs.push_back(version);
    }
  }
  for (const std::uint32_t at : jobs_[number]) {
    for (const std::uint32_t version : contents_.plan.jobs[at].outputs) {
      if (!used.contains(contents_.files.file_of(version))) results.push_back(version);
    }
  }
  const std::string& snakefile = contents_.id_of(workflow.snakefile);
  files_.realize(snakefile, workflow.base, Direction::kInput, inputs);
  files_.realize(snakefile, workflow.base, Direction::kOutput, results);
  // No input of the workflow's own, so its files are no values of its parameters.
  inputs.insert(inputs.end(), workflow.config_files.begin(), workflow.config_files.end());
  std::vector<std::string> objects = contents_.ids_of(inputs);
  for (std::string& id : config_of(number)) objects.push_back(std::move(id));
  Entity entity(workflow_id(run), {"CreateAction"});
  entity.text("name", "Run of " + contents_.file(workflow.snakefile).path)
      .text("description", run.workflow.command)
      .ref("instrument", snakefile)
      .ref("agent", agents_.person(run.facts.user))
      .ref("location", agents_.machine(run.facts.host));
  add_times(entity, run);
  add(std::move(entity.refs("object", objects).refs("result", contents_.ids_of(results))).json());
}

// One for each rule, with all of its jobs.
std::vector<std::string> RunEntities::write_steps(const AddEntity& add, std::uint32_t number) {
  struct Step {
    std::vector<std::string> jobs{};
    bool has_failed = false;
  };
  std::map<std::uint32_t, Step> steps;
  for (const std::uint32_t at : jobs_[number]) {
    const PlannedJob& planned = contents_.plan.jobs[at];
    Step& step = steps[planned.rule];
    step.jobs.push_back(planned.id);
    step.has_failed |= contents_.job(planned).state != JobState::kDone;
  }
  std::vector<std::string> ids;
  for (const auto& [number_of_rule, step] : steps) {
    const PlannedRule& rule = contents_.plan.rules[number_of_rule];
    ids.push_back(workflow_id(contents_.history.runs[number]) + "/step/" + name_iri(rule.facts.name));
    Entity entity(ids.back(), {"ControlAction"});
    entity.text("name", "Jobs of rule " + rule.facts.name)
        .ref("instrument", rule.step)
        .text("actionStatus", step.has_failed ? kFailed : kCompleted)
        .refs("object", step.jobs);
    add(std::move(entity).json());
  }
  return ids;
}

void RunEntities::write_engine(const AddEntity& add, std::uint32_t number) {
  const HistoryRun& run = contents_.history.runs[number];
  const std::vector<std::string> steps = write_steps(add, number);
  Entity entity(engine_id(run), {"OrganizeAction"});
  entity.text("name", "Run of Furrow" + (run.facts.version.empty() ? "" : " " + run.facts.version))
      .text("description", run.is_remembered ? "" : "Runs of which only the records of jobs are kept.")
      .ref("instrument", agents_.engine(run.facts.version))
      .ref("agent", agents_.person(run.facts.user))
      .ref("location", agents_.machine(run.facts.host));
  add_times(entity, run);
  add(std::move(entity.refs("object", steps).ref("result", workflow_id(run))).json());
}

}  // namespace furrow::report
