#include "report/runs/run_facts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "os/files/descriptor.hpp"

namespace furrow::report {

using text::JsonWriter;

namespace {

constexpr std::size_t kLogTail = 4096;

const char* state_of(const RunPicture& picture) {
  if (!picture.has_journal) return "unknown";
  if (picture.is_running) return "running";
  if (!picture.has_finished) return "killed";
  if (picture.stopped_by != 0) return "interrupted";
  return picture.code == 0 ? "done" : "failed";
}

// ---- numbers of rules

struct RuleUse {
  std::uint64_t due = 0, up_to_date = 0, done = 0, failed = 0, running = 0;
  double work_s = 0, longest_s = 0, waited_s = 0, cpu_s = 0;
  std::int64_t max_rss_kb = 0;
};

std::map<std::string, RuleUse> by_rule(const RunPicture& picture) {
  std::map<std::string, RuleUse> rules;
  for (const store::RulePlan& plan : picture.plan) {
    rules[plan.rule].due = plan.due;
    rules[plan.rule].up_to_date = plan.up_to_date;
  }
  for (const PicturedJob& job : picture.jobs) {
    if (!job.is_of_run) continue;
    RuleUse& rule = rules[job.rule];
    rule.done += job.state == JobState::kDone;
    rule.running += job.state == JobState::kRunning;
    rule.failed += job.state == JobState::kFailed || job.state == JobState::kTimedOut;
    rule.work_s += job.work_s;
    rule.longest_s = std::max(rule.longest_s, job.work_s);
    rule.waited_s += job.waited_s();
    rule.cpu_s += job.user_s + job.system_s;
    rule.max_rss_kb = std::max(rule.max_rss_kb, job.max_rss_kb);
  }
  return rules;
}

struct Counts {
  std::uint64_t done = 0, failed = 0, interrupted = 0, running = 0;
};

Counts counts_of(const RunPicture& picture) {
  Counts counts;
  for (const PicturedJob& job : picture.jobs) {
    if (!job.is_of_run) continue;
    counts.done += job.state == JobState::kDone;
    counts.failed += job.state == JobState::kFailed || job.state == JobState::kTimedOut;
    counts.interrupted += job.state == JobState::kInterrupted;
    counts.running += job.state == JobState::kRunning;
  }
  return counts;
}

bool needs_log(const PicturedJob& job) {
  return job.is_of_run && job.state != JobState::kDone && job.state != JobState::kEarlier;
}

}  // namespace

void write_number(JsonWriter& json, const char* name, double value) {
  json.Key(name);
  json.Double(value);
}

void write_whole(JsonWriter& json, const char* name, std::int64_t value) {
  json.Key(name);
  json.Int64(value);
}

void write_known_whole(JsonWriter& json, const char* name, std::int64_t value) {
  json.Key(name);
  if (value > 0) {
    json.Int64(value);
  } else {
    json.Null();
  }
}

void write_known(JsonWriter& json, const char* name, double value) {
  json.Key(name);
  if (value > 0) {
    json.Double(value);
  } else {
    json.Null();
  }
}

void write_rules(JsonWriter& json, const RunPicture& picture) {
  json.Key("rules");
  json.StartArray();
  for (const auto& [name, rule] : by_rule(picture)) {
    json.StartObject();
    text::write_text(json, "rule", name);
    write_whole(json, "due", static_cast<std::int64_t>(rule.due));
    write_whole(json, "up_to_date", static_cast<std::int64_t>(rule.up_to_date));
    write_whole(json, "done", static_cast<std::int64_t>(rule.done));
    write_whole(json, "failed", static_cast<std::int64_t>(rule.failed));
    write_whole(json, "running", static_cast<std::int64_t>(rule.running));
    write_number(json, "work_s", rule.work_s);
    write_number(json, "longest_s", rule.longest_s);
    write_number(json, "waited_s", rule.waited_s);
    write_number(json, "cpu_s", rule.cpu_s);
    write_whole(json, "max_rss_kb", rule.max_rss_kb);
    json.EndObject();
  }
  json.EndArray();
}

void write_run(JsonWriter& json, const RunPicture& picture) {
  json.Key("run");
  json.StartObject();
  text::write_text(json, "id", picture.facts.run);
  text::write_text(json, "state", state_of(picture));
  text::write_text(json, "host", picture.facts.host);
  text::write_text(json, "user", picture.facts.user);
  text::write_text(json, "furrow", picture.facts.version);
  text::write_text(json, "executor", picture.facts.executor);
  write_known_whole(json, "cores", picture.facts.cores);
  write_known(json, "began_at", picture.facts.began_at);
  write_known(json, "ended_at", picture.is_running ? 0 : picture.ended_at);
  write_number(json, "wall_s", picture.wall_s());
  write_whole(json, "exit_code", picture.code);
  write_whole(json, "stopped_by_signal", picture.stopped_by);
  std::uint64_t up_to_date = 0;
  for (const store::RulePlan& plan : picture.plan) up_to_date += plan.up_to_date;
  const Counts counts = counts_of(picture);
  write_whole(json, "due", static_cast<std::int64_t>(picture.due));
  write_whole(json, "up_to_date", static_cast<std::int64_t>(up_to_date));
  write_whole(json, "done", static_cast<std::int64_t>(counts.done));
  write_whole(json, "failed", static_cast<std::int64_t>(counts.failed));
  write_whole(json, "interrupted", static_cast<std::int64_t>(counts.interrupted));
  write_whole(json, "running", static_cast<std::int64_t>(counts.running));
  write_whole(json, "skipped", static_cast<std::int64_t>(picture.skipped));
  json.Key("core_seconds");
  json.StartObject();
  write_number(json, "worked", picture.cores.worked);
  write_number(json, "idle_nothing_ready", picture.cores.idle_waiting);
  write_number(json, "idle_jobs_ready", picture.cores.idle_ready);
  json.EndObject();
  write_number(json, "jobs_waited_s", picture.waited_s);
  write_number(json, "critical_path_s", picture.chain_s());
  write_whole(json, "damaged_records", static_cast<std::int64_t>(picture.damaged));
  json.EndObject();
}

std::string LogEnds::of(const PicturedJob& job) {
  if (!needs_log(job) || left_ <= 0) return {};
  --left_;
  for (const std::string& log : job.logs) {
    std::string end = end_of_log(log.starts_with('/') ? log : folder_ + "/" + log);
    if (!end.empty()) return end;
  }
  return job.output;
}

std::string end_of_log(const std::string& path) {
  const os::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  const off_t from = std::max<off_t>(0, info.st_size - static_cast<off_t>(kLogTail));
  std::string end(kLogTail, '\0');
  const ssize_t n = ::pread(file.get(), end.data(), end.size(), from);
  end.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  if (from > 0) end.erase(0, std::min(end.find('\n') + 1, end.size()));
  while (!end.empty() && end.back() == '\n') end.pop_back();
  return end;
}

}  // namespace furrow::report
