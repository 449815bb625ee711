#include "exec/cluster/slurm_system.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <set>

#include "base/log.hpp"
#include "base/strings.hpp"
#include "os/events/clock.hpp"

namespace furrow::exec {

namespace {

constexpr double kAskLimit_s = 60;
constexpr double kSubmitLimit_s = 300;
constexpr double kPatience_s = 1800;  // how long one submission waits for a controller that does not answer
constexpr double kFirstPause_s = 2, kMostPause_s = 30;
constexpr std::size_t kCancelAtOnce = 500;  // at most so many names in one command
constexpr std::size_t kRememberAtOnce = 5000;

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  while (!text.empty() && !std::isdigit(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string trimmed(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  return text;
}

BatchState::Phase phase_of(std::string_view state) {
  for (const std::string_view waiting : {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED",
                                         "RESV_DEL_HOLD", "SPECIAL_EXIT"}) {
    if (state == waiting) return BatchState::Phase::kWaiting;
  }
  for (const std::string_view running :
       {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}) {
    if (state == running) return BatchState::Phase::kRunning;
  }
  return BatchState::Phase::kEnded;
}

BatchState::EndedBy ended_by(std::string_view state) {
  if (state == "CANCELLED") return BatchState::EndedBy::kUser;
  if (state == "PREEMPTED") return BatchState::EndedBy::kPreemption;
  const bool is_node = state == "NODE_FAIL" || state == "BOOT_FAIL";
  return is_node ? BatchState::EndedBy::kNode : BatchState::EndedBy::kJob;
}

struct NameParts {
  std::string number, cluster;
};

NameParts parts_of(const std::string& batch) {
  const std::size_t end = std::min(batch.find(';'), batch.size());
  return {batch.substr(0, end), batch.substr(std::min(end + 1, batch.size()))};
}

std::string named(const std::string& number, const std::string& cluster) {
  return cluster.empty() ? number : number + ";" + cluster;
}

// The numbers, by cluster; "" is the cluster at hand.
std::map<std::string, std::vector<std::string>> by_cluster(const std::vector<std::string>& batches) {
  std::map<std::string, std::vector<std::string>> numbers;
  for (const std::string& batch : batches) {
    auto [number, cluster] = parts_of(batch);
    numbers[cluster].push_back(std::move(number));
  }
  return numbers;
}

std::string on_cluster(const std::string& cluster) {
  return cluster.empty() ? std::string() : " --clusters=" + shell_quote(cluster);
}

// Whatever may be wrong elsewhere, the engine does not cancel the job in which it runs.
std::vector<std::string> others_than_this_job(std::vector<std::string> batches) {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value ? value : "");
  };
  const std::string job = variable("SLURM_JOB_ID");
  const std::string task = variable("SLURM_ARRAY_JOB_ID") + "_" + variable("SLURM_ARRAY_TASK_ID");
  std::erase_if(batches, [&](const std::string& batch) { return batch == job || batch == task; });
  return batches;
}

// A line in front of the answer of each cluster; squeue prints such lines itself where it asks several.
std::string headed(const std::string& cluster, const std::string& command) {
  return (cluster.empty() ? "" : "echo " + shell_quote("CLUSTER: " + cluster) + " && ") + command;
}

void add_option(std::string& command, const char* name, const std::string& value) {
  if (!value.empty()) command += fmt::format(" --{}={}", name, shell_quote(value));
}

void add_option(std::string& command, const char* name, std::int64_t value) {
  if (value > 0) command += fmt::format(" --{}={}", name, value);
}

// A path that Slurm takes for a pattern.
std::string as_pattern(const std::string& path) {
  std::string pattern;
  for (const char c : path) pattern += c == '%' ? "%%" : std::string(1, c);
  return pattern;
}

}  // namespace

std::string sbatch_command(const Submission& submission) {
  const Allocation& asked = submission.allocation;
  // Slurm does not requeue by itself unless the user says so: the engine, which counts attempts, decides.
  std::string command = "sbatch --parsable --export=ALL";
  if (!may_requeue(asked)) command += " --no-requeue";
  add_option(command, "job-name", submission.name);
  add_option(command, "chdir", submission.directory);
  add_option(command, "comment", "furrow " + submission.folder);
  add_option(command, "output", as_pattern(submission.log) + (submission.batches > 1 ? ".%a" : ""));
  if (submission.batches > 1) command += fmt::format(" --array=0-{}", submission.batches - 1);
  add_option(command, "partition", asked.partition);
  add_option(command, "account", asked.account);
  add_option(command, "constraint", asked.constraint);
  add_option(command, "time", asked.runtime_min);
  add_option(command, "mem-per-cpu", asked.memory_mb_per_core);
  if (asked.memory_mb_per_core == 0) add_option(command, "mem", asked.memory_mb);
  command += fmt::format(" --nodes={}", std::max<std::int64_t>(1, asked.nodes));
  add_option(command, "ntasks-per-node", asked.tasks_per_node);
  if (asked.tasks > 0 || asked.tasks_per_node == 0)
    command += fmt::format(" --ntasks={}", std::max<std::int64_t>({1, asked.tasks, asked.nodes}));
  add_option(command, "cpus-per-task", asked.cores);
  add_option(command, "exclude", join(submission.left_out, ","));  // one that the user gives comes later
  command += options_for_others(asked);
  if (!asked.extra.empty()) command += " " + asked.extra;  // shell words, as the user wrote them
  return command + " " + shell_quote(submission.script);
}

std::string read_sbatch(const std::string& text) {
  for (const std::string& line : split(text, '\n')) {
    constexpr std::string_view kSpoken = "Submitted batch job ";
    const std::string_view rest =
        line.starts_with(kSpoken) ? std::string_view(line).substr(kSpoken.size()) : std::string_view(line);
    std::size_t digits = 0;
    while (digits < rest.size() && std::isdigit(static_cast<unsigned char>(rest[digits]))) ++digits;
    if (digits == 0) continue;
    const std::string number(rest.substr(0, digits));
    constexpr std::string_view kOnCluster = " on cluster ";
    const std::string_view cluster = rest.substr(digits);
    if (cluster.empty()) return number;
    if (cluster.front() == ';') return number + trimmed(std::string(cluster));
    if (cluster.starts_with(kOnCluster))
      return number + ";" + trimmed(std::string(cluster.substr(kOnCluster.size())));
    if (cluster.front() == ' ') return number;
  }
  return {};
}

bool is_away(const CommandAnswer& answer) {
  if (answer.status == -1) return true;  // killed after waiting longer than a submission can take
  for (const char* sign : {"Unable to contact slurm controller", "Socket timed out", "Connection refused",
                           "Zero Bytes were transmitted", "Slurm temporarily unable to accept job",
                           "Communication connection failure", "backup controller in standby mode"}) {
    if (answer.err.find(sign) != std::string::npos) return true;
  }
  return false;
}

bool is_full(const CommandAnswer& answer) {
  return answer.err.find("MaxSubmitJob") != std::string::npos ||
         answer.err.find("GrpSubmitJob") != std::string::npos;
}

BatchStates read_states(const std::string& text) {
  std::map<std::string, BatchState> states;
  std::string cluster;
  for (const std::string& line : split(text, '\n')) {
    constexpr std::string_view kHead = "CLUSTER: ";
    if (line.starts_with(kHead)) cluster = trimmed(line.substr(kHead.size()));
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() < 3) continue;
    const std::string state = fields[1].substr(0, fields[1].find(' '));  // "CANCELLED by 0"
    states[named(fields[0], cluster)] = {phase_of(state), state, fields[2], state == "COMPLETING",
                                         ended_by(state)};
  }
  return states;
}

// Whole minutes of a limit such as "30:00", "2:00:00" or "7-00:00:00"; 0: no limit, as "infinite".
std::int64_t minutes_of_limit(std::string_view text) {
  const std::size_t dash = text.find('-');
  std::int64_t seconds = dash == std::string_view::npos ? 0 : 86400 * number(text.substr(0, dash));
  if (dash != std::string_view::npos) text.remove_prefix(dash + 1);
  std::int64_t clock = 0;
  for (const std::string& part : split(std::string(text), ':')) {
    if (part.empty() || std::isdigit(static_cast<unsigned char>(part.front())) == 0) return 0;
    clock = clock * 60 + number(part);
  }
  return (seconds + clock) / 60;
}

// A star marks the default partition.
void add_time_limit(std::string partition, const std::string& limit, TimeLimits& limits) {
  const std::int64_t minutes = minutes_of_limit(limit);
  if (minutes == 0) return;
  if (partition.ends_with('*')) {
    partition.pop_back();
    limits[""] = minutes;
  }
  limits[partition] = minutes;
}

SystemFigures read_figures(const std::string& config, const std::string& nodes) {
  SystemFigures figures;
  for (const std::string& line : split(config, '\n')) {
    // Array indices must be below MaxArraySize.
    if (line.starts_with("MaxArraySize"))
      figures.max_array = static_cast<std::size_t>(std::max<std::int64_t>(0, number(line.substr(12)) - 1));
  }
  for (const std::string& line : split(nodes, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() < 2) continue;
    const std::int64_t cores = number(fields[0]), memory = number(fields[1]);
    if (cores > 0 && (figures.node_cores == 0 || cores < figures.node_cores)) figures.node_cores = cores;
    if (fields.size() >= 4) add_time_limit(fields[2], fields[3], figures.time_limits_min);
    if (memory > 0 && (figures.node_memory_mb == 0 || memory < figures.node_memory_mb))
      figures.node_memory_mb = memory;
  }
  return figures;
}

void SlurmSystem::figures(std::function<void(const SystemFigures&)> done) {
  commands_.run("scontrol show config; echo; echo NODES; sinfo -h -o '%c|%m|%P|%l'", kAskLimit_s,
                [this, done = std::move(done)](const CommandAnswer& answer) {
                  const std::size_t nodes = answer.out.find("\nNODES\n");
                  if (nodes == std::string::npos) return done({});
                  const SystemFigures read =
                      read_figures(answer.out.substr(0, nodes), answer.out.substr(nodes + 7));
                  has_answered_ |= read.max_array > 0 || read.node_cores > 0;
                  done(read);
                });
}

void SlurmSystem::submit(const Submission& submission, std::function<void(Result<std::string> name)> done) {
  const std::string command = submission.command.empty()
                                  ? sbatch_command(submission)
                                  : submission.command + " " + shell_quote(submission.script);
  submit(std::make_shared<Asked>(
      Asked{command, std::move(done), submission.batches == 1, os::monotonic_seconds(), kFirstPause_s}));
}

void SlurmSystem::submit(const std::shared_ptr<Asked>& asked) {
  commands_.run(asked->command, kSubmitLimit_s, [this, asked](const CommandAnswer& answer) {
    std::string name = answer.ok() ? read_sbatch(answer.out) : std::string();
    if (!name.empty()) {
      has_answered_ = true;
      return asked->done(std::move(name));
    }
    // Other jobs of this user leave a full queue at some time; an array may be larger than it ever is.
    const bool may_wait = asked->is_one && is_full(answer);
    if (may_wait) asked->since = os::monotonic_seconds();
    if (may_wait ||
        (has_answered_ && is_away(answer) && os::monotonic_seconds() < asked->since + kPatience_s)) {
      FURROW_LOG(cluster, info, "Slurm does not accept the submission, next try in {:.0f} s: {}",
                 asked->pause_s, trimmed(answer.err));
      again_timer_ = loop_.after(asked->pause_s, [this, asked] { submit(asked); });
      asked->pause_s = std::min(kMostPause_s, asked->pause_s * 1.5);
      return;
    }
    Error error{"cannot submit: " + asked->command};
    error.detail = trimmed(answer.err.empty() ? answer.out : answer.err);
    if (answer.status == 127) error.hint = "Is Slurm installed on this machine, and sbatch on PATH?";
    asked->done(fail(std::move(error)));
  });
}

std::string SlurmSystem::batch_name(const std::string& name, std::size_t index, std::size_t batches) const {
  if (batches <= 1) return name;
  const auto [number, cluster] = parts_of(name);
  return named(fmt::format("{}_{}", number, index), cluster);
}

std::string SlurmSystem::full_name(const std::string& own, const std::string& submitted) const {
  return own.empty() ? own : named(own, parts_of(submitted).cluster);
}

void SlurmSystem::ask(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) {
  std::vector<std::string> commands;
  for (const auto& [cluster, numbers] : by_cluster(batches)) {
    // Asks about all jobs of this user, since squeue rejects a list that contains a job it no longer knows.
    commands.push_back(
        headed(cluster, fmt::format("squeue --noheader --array --states=all --user={} --format='%i|%T|%N'{}",
                                    ::geteuid(), on_cluster(cluster))));
  }
  commands_.run(join(commands, " && "), kAskLimit_s, [done = std::move(done)](const CommandAnswer& answer) {
    done(answer.ok() ? read_states(answer.out) : std::nullopt);
  });
}

void SlurmSystem::remember(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) {
  std::vector<std::string> commands;
  for (const auto& [cluster, numbers] : by_cluster(batches)) {
    std::set<std::string> jobs;  // one name for all tasks of an array
    for (const std::string& number : numbers) {
      if (jobs.size() < kRememberAtOnce) jobs.insert(number.substr(0, number.find('_')));
    }
    commands.push_back(headed(
        cluster, "sacct --noheader --parsable2 --allocations --format=JobID,State,NodeList" +
                     on_cluster(cluster) + " --jobs=" + shell_quote(join({jobs.begin(), jobs.end()}, ","))));
  }
  commands_.run(join(commands, " && "), kAskLimit_s, [done = std::move(done)](const CommandAnswer& answer) {
    done(answer.ok() ? read_states(answer.out) : std::nullopt);
  });
}

void SlurmSystem::cancel(const std::vector<std::string>& batches, bool at_once, std::function<void()> done) {
  std::vector<std::string> commands;
  for (const auto& [cluster, numbers] : by_cluster(others_than_this_job(batches))) {
    for (std::size_t begin = 0; begin < numbers.size(); begin += kCancelAtOnce) {
      std::string command = "scancel" + on_cluster(cluster);
      for (std::size_t i = begin; i < std::min(numbers.size(), begin + kCancelAtOnce); ++i)
        command += " " + shell_quote(numbers[i]);
      // --full reaches all processes, the runner included. Without it Slurm sends SIGTERM, and SIGKILL later.
      if (at_once) command += "; " + command + " --signal=KILL --full";
      commands.push_back(std::move(command));
    }
  }
  if (commands.empty()) return done();
  const auto left = std::make_shared<std::size_t>(commands.size());
  for (const std::string& command : commands) {
    commands_.run(command, kAskLimit_s, [left, done](const CommandAnswer&) {
      if (--*left == 0) done();
    });
  }
}

}  // namespace furrow::exec
