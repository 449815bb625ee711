#include "cli/run/progress.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "os/events/clock.hpp"
#include "os/terminal/shown.hpp"
#include "plan/node_folder.hpp"

namespace furrow::cli {

namespace {

// Up to this number, every job gets a line.
constexpr std::size_t kFewJobs = 200;
// How many bytes of a failed job's log are shown.
constexpr std::size_t kLogTail = 4096;
// How many bytes of its command are shown.
constexpr std::size_t kCommandShown = 4096;

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody reads it any longer
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string indent(std::string_view text, std::string_view by) {
  std::string out;
  for (const std::string& line : split(text, '\n')) out += std::string(by) + line + "\n";
  return out;
}

std::string tail_of(const std::string& path, bool whole) {
  auto content = os::read_file(path);
  if (!content || content->empty()) return {};
  while (!content->empty() && content->back() == '\n') content->pop_back();
  if (whole || content->size() <= kLogTail) return *content;
  const std::string end = content->substr(content->size() - kLogTail);
  return "[...]" + end.substr(std::min(end.find('\n'), end.size()));
}

std::string shortened(const std::string& command) {
  if (command.size() <= kCommandShown) return command;
  return command.substr(0, kCommandShown) +
         fmt::format("[... {} bytes more]", command.size() - kCommandShown);
}

std::string signal_text(int signal) { return fmt::format("signal {} ({})", signal, ::strsignal(signal)); }

std::string how_it_ended(const plan::Exit& exit) {
  if (exit.timed_out) return "took too long";
  if (exit.signal != 0) return "was ended by " + signal_text(exit.signal);
  if (exit.status > 128 && exit.status <= 128 + 64)
    return fmt::format("exit code {}: a program in it was ended by {}", exit.status,
                       signal_text(exit.status - 128));
  return fmt::format("exit code {}", exit.status);
}

}  // namespace

Progress::Progress(const workflow::WorkflowSource& source, os::EventLoop& loop, ProgressOptions options)
    : source_(source),
      options_(std::move(options)),
      on_terminal_(::isatty(2) && !options_.quiet_progress),
      bar_(loop) {
  if (!options_.log_path.empty())
    log_fd_ = ::open(options_.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

Progress::~Progress() {
  bar_.stop();
  if (log_fd_ >= 0) ::close(log_fd_);
}

std::string Progress::title(plan::JobId job) const {
  const plan::JobName name = source_.name(job);
  return name.wildcards.empty() ? name.rule : name.rule + " (" + one_line(name.wildcards) + ")";
}

void Progress::print(const std::string& text) { print(text, os::shown_on(2, text)); }

// SHOWN is the text for the screen.
void Progress::print(const std::string& text, const std::string& shown) {
  bar_.clear();
  write_all(2, shown + "\n");
  if (log_fd_ >= 0) write_all(log_fd_, text + "\n");
}

void Progress::on_event(const plan::Event& event) {
  switch (event.kind) {
    case plan::Event::Kind::kRunStarted:
      total_ = event.total;
      if (on_terminal_) bar_.start(0, [this] { return total_; });
      break;
    case plan::Event::Kind::kJobStarted:
      started(event);
      break;
    case plan::Event::Kind::kJobPlaced:
      break;
    case plan::Event::Kind::kJobFinished:
      finished(event);
      break;
    case plan::Event::Kind::kJobFailed:
      failed(event);
      break;
    case plan::Event::Kind::kJobsSkipped:
      print(count_of(event.count, "job") + (event.count == 1 ? " depends" : " depend") +
            " on it and will not run");
      break;
    case plan::Event::Kind::kGraphGrown:
      grown(event);
      break;
    case plan::Event::Kind::kStopping:
      if (event.signal != 0) print("Stopping: running jobs are asked to end (interrupt again to kill them)");
      break;
    case plan::Event::Kind::kRunFinished:
      bar_.clear();
      break;
  }
}

void Progress::started(const plan::Event& event) {
  ++bar_.counts.running;
  const std::string& message = source_.message(event.job);
  if (!options_.quiet_all && !message.empty()) print(message);
  if (options_.print_commands && event.launch && !event.launch->command.empty()) {
    print(indent(plan::with_node_folder(event.launch->command, "$TMPDIR"), "    ").substr(0, 100000));
    return;
  }
  if (options_.quiet_progress || on_terminal_ || !message.empty()) return;
  // In a small run, every job gets a line; in a large one, at most one line per second is printed.
  const double now = os::monotonic_seconds();
  if (total_ > kFewJobs && now - last_line_ < 1) return;
  last_line_ = now;
  print(fmt::format("[{}/{}] {}", bar_.counts.done + bar_.counts.running, total_, title(event.job)));
}

// More is known.
void Progress::grown(const plan::Event& event) {
  const std::size_t before = std::exchange(total_, event.total);
  if (options_.quiet_progress || on_terminal_ || total_ == before) return;
  const double now = os::monotonic_seconds();
  if (total_ > kFewJobs && now - last_line_ < 1) return;
  last_line_ = now;
  const char* const what =
      source_.rules().has_checkpoints() ? "A checkpoint has run" : "A queue has new items";
  print(before < total_
            ? fmt::format("{}: {} more, {} in all", what, count_of(total_ - before, "job"), total_)
            : fmt::format("{}: {} fewer, {} in all", what, count_of(before - total_, "job"), total_));
}

void Progress::finished(const plan::Event&) {
  ++bar_.counts.done;
  bar_.counts.running -= bar_.counts.running > 0;
}

void Progress::failed(const plan::Event& event) {
  bar_.counts.running -= bar_.counts.running > 0;
  if (!event.will_retry) ++bar_.counts.failed;
  if (event.exit && event.exit->cancelled) return;
  std::string text = "Job " + title(event.job) + " failed";
  if (event.attempt > 1 || event.will_retry) text += fmt::format(" (attempt {})", event.attempt);
  if (event.error) {
    text += ":\n" + indent(event.error->to_string(), "    ");
  } else if (event.exit) {
    text += event.exit->error.empty() ? ": " + how_it_ended(*event.exit) + "\n"
                                      : ":\n" + indent(event.exit->error, "    ");
  }
  const plan::JobName name = source_.name(event.job);
  text += "    rule: " + source_.place(event.job) + "\n";
  if (!name.wildcards.empty()) text += "    wildcards: " + one_line(name.wildcards) + "\n";
  if (const std::string& command = source_.command(event.job); !command.empty())
    text += "    command:\n" + indent(shortened(command), "        ");
  std::string shown = os::shown_on(2, text);
  const auto add = [&](const std::string& part, bool is_output) {
    text += part;
    shown += is_output ? part : os::shown_on(2, part);  // a job's own output stays as it is
  };
  for (const std::string& log : source_.logs(event.job)) {
    add("    log: " + one_line(log) + "\n", false);
    const std::string tail = tail_of(log, options_.whole_logs);
    if (!tail.empty()) add(indent(tail, "        | "), true);
  }
  if (event.will_retry) add("    It will be retried.\n", false);
  for (std::string* const each : {&text, &shown}) {
    if (!each->empty() && each->back() == '\n') each->pop_back();
  }
  print(text, shown);
}

void Progress::show(const exec::CapturedOutput& output) {
  bar_.clear();
  standard_.show(output);
}

}  // namespace furrow::cli
