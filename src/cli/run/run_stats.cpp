#include "cli/run/run_stats.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "text/json.hpp"

namespace furrow::cli {

namespace {

struct RuleTimes {
  double sum = 0, shortest = std::numeric_limits<double>::max(), longest = 0;
  std::size_t count = 0;
};

std::string time_text(double at) {
  return fmt::format("{:%a %b %e %H:%M:%S %Y}", fmt::localtime(static_cast<std::time_t>(at)));
}

void write_number(text::JsonWriter& json, const char* key, double value) {
  json.Key(key);
  json.Double(value);
}

void write_resources(text::JsonWriter& json, const workflow::JobDemands::SharedDemand& demand) {
  json.Key("resources");
  json.StartObject();
  json.Key("_cores");
  json.Int64(demand ? demand->threads : 1);
  json.Key("_nodes");
  json.Int(1);
  static const decltype(demand->resources) kNone;
  for (const auto& [name, value] : demand ? demand->resources : kNone) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      text::write_key(json, name);
      json.Int64(*number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      text::write_key(json, name);
      text::write(json, *text);
    }
  }
  json.EndObject();
}

}  // namespace

void RunStats::on_event(const plan::Event& event) {
  using Kind = plan::Event::Kind;
  if (event.kind == Kind::kJobStarted) running_[event.job] = source_.demand_of(event.job, event.attempt);
  if (event.kind == Kind::kJobFailed) running_.erase(event.job);
  if (event.kind != Kind::kJobFinished) return;
  const double now = os::wall_seconds();
  const bool is_timed = event.exit && event.exit->started_at > 0;
  const double start = is_timed ? event.exit->started_at : now;
  const double end = is_timed ? start + event.exit->usage.wall_s : now;
  auto node = running_.extract(event.job);
  ended_.push_back({event.job, start, end, node.empty() ? nullptr : std::move(node.mapped())});
}

std::string RunStats::text() const {
  std::map<std::string, RuleTimes> rules;
  double first = std::numeric_limits<double>::max(), last = 0;
  for (const JobTime& time : ended_) {
    RuleTimes& of_rule = rules[source_.name(time.job).rule];
    const double duration = time.ended_at - time.started_at;
    of_rule.sum += duration;
    of_rule.shortest = std::min(of_rule.shortest, duration);
    of_rule.longest = std::max(of_rule.longest, duration);
    ++of_rule.count;
    first = std::min(first, time.started_at);
    last = std::max(last, time.ended_at);
  }
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  json.StartObject();
  write_number(json, "total_runtime", ended_.empty() ? 0 : last - first);
  json.Key("rules");
  json.StartObject();
  for (const auto& [name, times] : rules) {
    text::write_key(json, name);
    json.StartObject();
    write_number(json, "mean-runtime", times.sum / static_cast<double>(times.count));
    write_number(json, "min-runtime", times.shortest);
    write_number(json, "max-runtime", times.longest);
    json.EndObject();
  }
  json.EndObject();
  json.Key("files");
  json.StartObject();
  for (const JobTime& time : ended_) {
    const workflow::NodeId node = source_.node(time.job);
    for (const workflow::FileId file : source_.dag().outputs(node, source_.rules())) {
      text::write_key(json, source_.dag().files.view(file));
      json.StartObject();
      json.Key("start-time");
      text::write(json, time_text(time.started_at));
      json.Key("stop-time");
      text::write(json, time_text(time.ended_at));
      write_number(json, "duration", time.ended_at - time.started_at);
      json.Key("priority");
      json.Int(source_.rules()[source_.dag().node(node).rule].rule.priority);
      write_resources(json, time.demand);
      json.EndObject();
    }
  }
  json.EndObject();
  json.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

Result<void> RunStats::write_empty(const std::string& path) {
  return os::write_file(path, "{\"total_runtime\":0.0,\"rules\":{},\"files\":{}}\n");
}

Result<void> RunStats::write(const std::string& path) const { return os::write_file(path, text() + "\n"); }

}  // namespace furrow::cli
