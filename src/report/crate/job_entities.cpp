#include "report/crate/job_entities.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstring>

#include "base/strings.hpp"
#include "report/crate/iri.hpp"
#include "report/crate/profiles.hpp"

namespace furrow::report {

namespace {

constexpr const char* kHidden =
    "Left out: it may hold the value of a variable that the workflow names in envvars, and that is not set "
    "where this crate "
    "was made.";

using Values = std::vector<std::pair<std::string, std::string>>;

// "a=1, b=x" by the names of the wildcards; empty if a value makes that ambiguous.
Values wildcards_of(const std::string& text, const std::vector<std::string>& names) {
  Values values;
  std::size_t at = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string begin = (i == 0 ? "" : ", ") + names[i] + "=";
    const std::size_t found = text.find(begin, at);
    const bool is_ambiguous = i > 0 && text.find(begin, found + 1) != std::string::npos;
    if (found == std::string::npos || (i == 0 && found != 0) || is_ambiguous) return {};
    if (i > 0) values.back().second = text.substr(at, found - at);
    at = found + begin.size();
    values.emplace_back(names[i], text.substr(at));
  }
  return values;
}

}  // namespace

std::string failure_of(const HistoryJob& job) {
  std::string text;
  if (job.record.phase == store::JobPhase::kStarted) {
    text = "It had not ended when its run was killed.";
  } else if (job.state == JobState::kTimedOut) {
    text = "It took longer than its time limit.";
  } else if (job.state == JobState::kInterrupted) {
    text = "It was interrupted with its run.";
  } else if (job.record.signal > 0) {
    text = fmt::format("Signal {} ({}) ended it.", job.record.signal, ::strsignal(job.record.signal));
  } else {
    text = fmt::format("Exit status {}.", job.record.status);
  }
  if (!job.error.empty()) text += "\n" + job.error;
  if (!job.output.empty()) text += "\n" + job.output;
  return text;
}

std::string JobEntities::shown(const HistoryJob& job, const std::string& text) const {
  if (text.empty()) return {};
  return texts_.are_hidden[job.run] ? kHidden : texts_.redactor.redacted(text);
}

void JobEntities::add_value(const PlannedRule& rule, const char* kind, const std::string& name,
                            const std::string& value, std::vector<std::string>& objects) {
  const std::string id = rule.tool + "/" + kind + "/" + name_iri(name);
  objects.push_back(parameters_.value({rule.tool, Direction::kInput, id, name, "Text"}, value));
}

void JobEntities::add_wildcards(const PlannedJob& planned, std::vector<std::string>& objects) {
  const std::string& text = contents_.job(planned).record.wildcards;
  if (text.empty()) return;
  const PlannedRule& rule = contents_.plan.rules[planned.rule];
  const Values values = wildcards_of(text, rule.facts.wildcards);
  for (const auto& [name, value] : values) add_value(rule, "wildcard", name, value, objects);
  if (values.empty()) add_value(rule, "wildcard", "wildcards", text, objects);
}

void JobEntities::add_values(const PlannedJob& planned, std::vector<std::string>& objects) {
  const HistoryJob& job = contents_.job(planned);
  add_wildcards(planned, objects);
  if (texts_.are_hidden[job.run]) return;
  for (const std::string& line : split(job.record.params, '\n')) {
    const std::size_t sign = line.find('=');
    if (sign == std::string::npos) continue;
    add_value(contents_.plan.rules[planned.rule], "param", line.substr(0, sign),
              texts_.redactor.redacted(line.substr(sign + 1)), objects);
  }
}

std::vector<std::string> JobEntities::facts_of(const store::JobRecord& record) {
  std::vector<std::string> facts{parameters_.fact("threads", std::to_string(record.threads)),
                                 parameters_.fact("attempt", std::to_string(record.attempt))};
  if (record.phase == store::JobPhase::kStarted) return facts;
  facts.push_back(record.signal > 0 ? parameters_.fact("signal", std::to_string(record.signal))
                                    : parameters_.fact("exit status", std::to_string(record.status)));
  if (!record.environment.empty())
    facts.push_back(parameters_.fact("software environment", record.environment));
  return facts;
}

std::vector<std::string> JobEntities::write_usage(const AddEntity& add, const PlannedJob& planned) {
  const store::JobRecord& record = contents_.job(planned).record;
  std::vector<std::string> ids;
  const auto write_one = [&](const char* name, const char* term, const char* unit, const std::string& value) {
    ids.push_back(planned.id + "/" + term);
    Entity entity(ids.back(), {"PropertyValue"});
    entity.text("name", name)
        .text("propertyID", std::string(kUsageTerms) + term)
        .text("unitCode", unit)
        .text("value", value);
    add(std::move(entity).json());
  };
  constexpr const char* kSeconds = "https://qudt.org/vocab/unit/SEC";
  if (record.user_s + record.system_s > 0) {
    write_one("user CPU time", "ru_utime", kSeconds, fmt::format("{:.3f}", record.user_s));
    write_one("system CPU time", "ru_stime", kSeconds, fmt::format("{:.3f}", record.system_s));
  }
  if (record.max_rss_kb > 0)
    write_one("peak memory", "ru_maxrss", "https://qudt.org/vocab/unit/BYTE",
              std::to_string(record.max_rss_kb * 1024));
  return ids;
}

void JobEntities::write(const AddEntity& add, const PlannedJob& planned) {
  const HistoryJob& job = contents_.job(planned);
  const store::JobRecord& record = job.record;
  const PlannedRule& rule = contents_.plan.rules[planned.rule];
  files_.realize(rule.tool, rule.tool + "/", Direction::kInput, planned.inputs);
  files_.realize(rule.tool, rule.tool + "/", Direction::kOutput, planned.outputs);
  std::vector<std::string> objects = contents_.ids_of(planned.inputs);
  add_values(planned, objects);
  const std::vector<std::string> usage = write_usage(add, planned);
  const bool is_done = job.state == JobState::kDone;
  Entity entity(planned.id, {"CreateAction"});
  entity.text("name", record.rule + (record.wildcards.empty() ? "" : " (" + record.wildcards + ")"))
      .text("description", record.command.empty() ? place_of(rule.facts) : shown(job, record.command))
      .ref("instrument", rule.tool)
      .text("startTime", iso_time(record.started_at))
      .text("endTime", record.phase == store::JobPhase::kStarted ? "" : iso_time(record.finished_at))
      .text("actionStatus", is_done ? kCompleted : kFailed)
      .text("error", is_done ? "" : shown(job, failure_of(job)))
      .ref("agent", agents_.person(contents_.run(planned).facts.user))
      .ref("location", agents_.machine(record.host))
      .ref("containerImage", workflows_.image_of(rule))
      .refs("object", objects)
      .refs("result", contents_.ids_of(planned.outputs))
      .refs("additionalProperty", facts_of(record));
  if (!usage.empty()) entity.refs("resourceUsage", usage);
  add(std::move(entity).json());
}

}  // namespace furrow::report
