#include "exec/cluster/slurm_system.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>

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

void add_option(std::string& command, const char* name, const std::string& value) {
  if (!value.empty()) command += fmt::format(" --{}={}", name, shell_quote(value));
}

void add_option(std::string& command, const char* name, std::int64_t value) {
  if (value > 0) command += fmt::format(" --{}={}", name, value);
}

}  // namespace

std::string sbatch_command(const Submission& submission) {
  const Allocation& asked = submission.allocation;
  // Slurm must not requeue by itself: the engine, which counts attempts, decides about retries.
  std::string command = "sbatch --parsable --no-requeue --export=ALL";
  add_option(command, "job-name", submission.name);
  add_option(command, "chdir", submission.directory);
  add_option(command, "comment", "furrow " + submission.folder);
  add_option(command, "output", submission.batches > 1 ? submission.log + ".%a" : submission.log);
  if (submission.batches > 1) command += fmt::format(" --array=0-{}", submission.batches - 1);
  add_option(command, "partition", asked.partition);
  add_option(command, "account", asked.account);
  add_option(command, "constraint", asked.constraint);
  add_option(command, "time", asked.runtime_min);
  add_option(command, "mem", asked.memory_mb);
  if (asked.memory_mb == 0) add_option(command, "mem-per-cpu", asked.memory_mb_per_core);
  command += fmt::format(" --nodes={}", std::max<std::int64_t>(1, asked.nodes));
  command += fmt::format(" --ntasks={}", std::max<std::int64_t>({1, asked.tasks, asked.nodes}));
  add_option(command, "cpus-per-task", asked.cores);
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
    // --parsable may add ";CLUSTER"
    if (digits > 0 && (digits == rest.size() || rest[digits] == ';' || rest[digits] == ' '))
      return std::string(rest.substr(0, digits));
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

BatchStates read_squeue(const std::string& text) {
  std::map<std::string, BatchState> states;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> fields = split(line, '|');
    if (fields.size() < 3) continue;
    states[fields[0]] = {phase_of(fields[1]), fields[1], fields[2]};
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
  submit(std::make_shared<Asked>(Asked{command, std::move(done), os::monotonic_seconds(), kFirstPause_s}));
}

void SlurmSystem::submit(const std::shared_ptr<Asked>& asked) {
  commands_.run(asked->command, kSubmitLimit_s, [this, asked](const CommandAnswer& answer) {
    std::string name = answer.ok() ? read_sbatch(answer.out) : std::string();
    if (!name.empty()) {
      has_answered_ = true;
      return asked->done(std::move(name));
    }
    if (has_answered_ && is_away(answer) && os::monotonic_seconds() < asked->since + kPatience_s) {
      FURROW_LOG(cluster, info, "Slurm does not answer, next try in {:.0f} s: {}", asked->pause_s,
                 trimmed(answer.err));
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
  return batches > 1 ? fmt::format("{}_{}", name, index) : name;
}

void SlurmSystem::ask(const std::vector<std::string>&, std::function<void(BatchStates)> done) {
  // Asks about all jobs of this user, since squeue rejects a list that contains a job it no longer knows.
  const std::string command =
      fmt::format("squeue --noheader --array --states=all --user={} --format='%i|%T|%N'", ::geteuid());
  commands_.run(command, kAskLimit_s, [done = std::move(done)](const CommandAnswer& answer) {
    done(answer.ok() ? read_squeue(answer.out) : std::nullopt);
  });
}

void SlurmSystem::remember(const std::string& batch, std::function<void(std::optional<BatchState>)> done) {
  const std::string command =
      "sacct --noheader --parsable2 --allocations --format=JobID,State,NodeList --jobs=" + shell_quote(batch);
  commands_.run(command, kAskLimit_s, [batch, done = std::move(done)](const CommandAnswer& answer) {
    if (!answer.ok()) return done(std::nullopt);
    const BatchStates states = read_squeue(answer.out);
    const auto found = states->find(batch);
    if (found == states->end()) return done(std::nullopt);
    BatchState state = found->second;
    state.reason = state.reason.substr(0, state.reason.find(' '));  // "CANCELLED by 0"
    state.phase = phase_of(state.reason);
    done(std::move(state));
  });
}

void SlurmSystem::cancel(const std::vector<std::string>& batches, bool at_once, std::function<void()> done) {
  const auto left = std::make_shared<std::size_t>((batches.size() + kCancelAtOnce - 1) / kCancelAtOnce);
  for (std::size_t begin = 0; begin < batches.size(); begin += kCancelAtOnce) {
    std::string command = "scancel";
    for (std::size_t i = begin; i < std::min(batches.size(), begin + kCancelAtOnce); ++i)
      command += " " + shell_quote(batches[i]);
    // --full reaches all processes, the runner included. Without it Slurm sends SIGTERM, and SIGKILL later.
    if (at_once) command += "; " + command + " --signal=KILL --full";
    commands_.run(command, kAskLimit_s, [left, done](const CommandAnswer&) {
      if (--*left == 0) done();
    });
  }
}

}  // namespace furrow::exec
