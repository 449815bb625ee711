#include "report/runs/live_json.hpp"

#include "report/runs/run_facts.hpp"

namespace furrow::report {

namespace {

using text::JsonWriter;

constexpr std::size_t kMostRunning = 200, kMostFailures = 50;

void whole(JsonWriter& json, const char* name, std::uint64_t value) {
  write_whole(json, name, static_cast<std::int64_t>(value));
}

void write_rules(JsonWriter& json, const LiveRun& run) {
  json.Key("rules");
  json.StartArray();
  for (const auto& [name, rule] : run.rules()) {
    json.StartObject();
    text::write_text(json, "rule", name);
    whole(json, "due", rule.due);
    whole(json, "done", rule.done);
    whole(json, "failed", rule.failed);
    whole(json, "running", rule.running);
    write_number(json, "mean_s", rule.done > 0 ? rule.work_s / static_cast<double>(rule.done) : 0);
    json.EndObject();
  }
  json.EndArray();
}

void write_name(JsonWriter& json, const LiveJob& job) {
  text::write_text(json, "rule", job.rule);
  text::write_text(json, "name", job.wildcards.empty() ? job.key : job.wildcards);
}

void write_running(JsonWriter& json, const LiveRun& run) {
  json.Key("jobs");
  json.StartArray();
  std::size_t count = 0;
  for (const auto& [number, job] : run.running()) {
    if (++count > kMostRunning) break;
    json.StartObject();
    write_name(json, job);
    write_number(json, "started_at", job.started_at);
    whole(json, "attempt", static_cast<std::uint64_t>(job.attempt));
    if (!job.host.empty()) text::write_text(json, "host", job.host);
    json.EndObject();
  }
  json.EndArray();
}

// The last one first.
void write_failures(JsonWriter& json, const LiveRun& run) {
  json.Key("failures");
  json.StartArray();
  std::size_t count = 0;
  for (auto failure = run.failures().rbegin(); failure != run.failures().rend() && ++count <= kMostFailures;
       ++failure) {
    json.StartObject();
    write_name(json, failure->job);
    write_whole(json, "status", failure->status);
    write_whole(json, "signal", failure->signal);
    json.Key("will_retry");
    json.Bool(failure->will_retry);
    json.Key("timed_out");
    json.Bool(failure->timed_out);
    text::write_text(json, "error", failure->error);
    text::write_text(json, "output", failure->output);
    text::write_text(json, "logs", failure->job.logs);
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

std::string live_json(const LiveRun& run, const RuleTimes& earlier, double now) {
  JsonText made;
  JsonWriter& json = *made;
  json.StartObject();
  write_number(json, "written_at", now);
  text::write_text(json, "state", run.state());
  text::write_text(json, "host", run.facts().host);
  text::write_text(json, "user", run.facts().user);
  text::write_text(json, "executor", run.facts().executor);
  write_known_whole(json, "cores", run.facts().cores);
  write_number(json, "began_at", run.facts().began_at);
  write_known(json, "ended_at", run.has_finished() ? run.last_event_at() : 0);
  write_known(json, "remaining_s", run.has_finished() ? 0 : run.remaining_s(now, earlier).value_or(0));
  whole(json, "due", run.due());
  whole(json, "done", run.done());
  whole(json, "failed", run.failed());
  whole(json, "interrupted", run.interrupted());
  whole(json, "skipped", run.skipped());
  whole(json, "up_to_date", run.up_to_date());
  whole(json, "running", run.running().size());
  whole(json, "waiting", run.waiting());
  write_rules(json, run);
  write_running(json, run);
  write_failures(json, run);
  json.EndObject();
  return made.text();
}

}  // namespace furrow::report
