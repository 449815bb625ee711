#include "exec/cluster/command_system.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace furrow::exec {

namespace {

constexpr double kLimit_s = 120;
constexpr double kSubmitLimit_s = 300;

// Whether one of the words of the command is Slurm's sbatch.
bool uses_sbatch(const std::string& command) {
  const std::vector<std::string> words = split(command, ' ');
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return word.substr(word.rfind('/') + 1) == "sbatch"; });
}

std::string first_line(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return {};
  const std::size_t end = text.find('\n', begin);
  std::string line = text.substr(begin, end == std::string::npos ? end : end - begin);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

BatchState state_of(const CommandAnswer& answer) {
  const std::string word = answer.ok() ? first_line(answer.out) : std::string();
  if (word == "success") return {BatchState::Phase::kEnded, "COMPLETED", ""};
  if (word == "failed") return {BatchState::Phase::kEnded, "FAILED", ""};
  // Any other answer says nothing about the job, which therefore counts as running.
  return {BatchState::Phase::kRunning, word == "running" ? "RUNNING" : "unknown", ""};
}

}  // namespace

// One round of status commands, a few at a time, for all batches.
struct CommandSystem::Round {
  std::deque<std::string> waiting;
  std::size_t open = 0;
  std::map<std::string, BatchState> states{};
  std::function<void(BatchStates)> done;
};

CommandSystem::CommandSystem(os::EventLoop& loop, CommandOptions options)
    : loop_(loop),
      options_(std::move(options)),
      is_slurm_(options_.status.empty() && uses_sbatch(options_.submit)),
      slurm_(loop),
      commands_(loop) {}

CommandSystem::~CommandSystem() { loop_.cancel(timer_); }

void CommandSystem::submit(const Submission& submission, std::function<void(Result<std::string> name)> done) {
  const std::string command = submission.command + " " + shell_quote(submission.script);
  const bool is_sbatch = uses_sbatch(options_.submit);
  commands_.run(
      command, kSubmitLimit_s, [command, is_sbatch, done = std::move(done)](const CommandAnswer& answer) {
        std::string name = is_sbatch ? read_sbatch(answer.out) : std::string();
        if (name.empty()) name = first_line(answer.out);
        if (answer.ok() && !name.empty()) return done(std::move(name));
        Error error{answer.ok() ? "the command that submits jobs did not print a job name: " + command
                                : "cannot submit: " + command};
        error.detail = first_line(answer.err.empty() ? answer.out : answer.err);
        error.hint = "The command comes from --cluster or from the profile.";
        done(fail(std::move(error)));
      });
}

void CommandSystem::ask(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) {
  if (is_slurm_) return slurm_.ask(batches, std::move(done));
  auto round = std::make_shared<Round>();
  round->waiting.assign(batches.begin(), batches.end());
  round->open = batches.size();
  round->done = std::move(done);
  ask_next(round);
}

void CommandSystem::ask_next(const std::shared_ptr<Round>& round) {
  timer_ = 0;
  const std::string batch = round->waiting.front();
  round->waiting.pop_front();
  commands_.run(options_.status + " " + shell_quote(batch), kLimit_s,
                [round, batch](const CommandAnswer& answer) {
                  round->states[batch] = state_of(answer);
                  if (--round->open == 0) round->done(round->states);
                });
  if (!round->waiting.empty())
    timer_ = loop_.after(1 / options_.statuses_per_s, [this, round] { ask_next(round); });
}

void CommandSystem::remember(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) {
  if (is_slurm_) return slurm_.remember(batches, std::move(done));
  done(std::nullopt);
}

void CommandSystem::cancel(const std::vector<std::string>& batches, bool at_once,
                           std::function<void()> done) {
  if (options_.cancel.empty()) {
    if (!uses_sbatch(options_.submit)) return done();
    return slurm_.cancel(batches, at_once, std::move(done));
  }
  const auto left =
      std::make_shared<std::size_t>((batches.size() + options_.cancel_names - 1) / options_.cancel_names);
  for (std::size_t begin = 0; begin < batches.size(); begin += options_.cancel_names) {
    std::string command = options_.cancel;
    for (std::size_t i = begin; i < std::min(batches.size(), begin + options_.cancel_names); ++i)
      command += " " + shell_quote(batches[i]);
    commands_.run(command, kLimit_s, [left, done](const CommandAnswer&) {
      if (--*left == 0) done();
    });
  }
}

}  // namespace furrow::exec
