#include "cli/map/map_progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/strings.hpp"

namespace furrow::cli {

namespace {

// On a terminal, a run that takes longer than this shows its progress.
constexpr double kLong_s = 2;
constexpr std::size_t kSlowest = 5, kFailedShown = 10;
// How many bytes of an input are shown.
constexpr std::size_t kShown = 100;

std::string shown(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  return text;
}

std::string how_it_ended(const plan::Exit& exit) {
  if (exit.timed_out) return "took too long";
  if (exit.signal != 0) return fmt::format("signal {} ({})", exit.signal, ::strsignal(exit.signal));
  if (!exit.error.empty()) return exit.error;
  return fmt::format("exit code {}", exit.status);
}

}  // namespace

MapProgress::MapProgress(const MapCommandOptions& options, const MapPlan& plan,
                         const command::MapSource& source, std::vector<std::string> names,
                         os::EventLoop& loop)
    : options_(options), plan_(plan), source_(source), names_(std::move(names)), bar_(loop) {
  const bool shows_itself = ::isatty(2) && !options.quiet &&
                            options.grouping == MapCommandOptions::Grouping::kGroup && !options.dry_run;
  if (is_wanted()) {
    bar_.start(0, [this] { return this->total(); });
  } else if (shows_itself) {
    bar_.start(kLong_s, [this] { return this->total(); });
  }
}

std::optional<std::size_t> MapProgress::total() const {
  const command::MapCounts& counts = source_.counts();
  if (counts.is_all) return counts.read - counts.skipped - counts.fresh;
  if (!plan_.total) return std::nullopt;
  return std::max(*plan_.total, counts.read) - counts.skipped - counts.fresh;
}

void MapProgress::on_event(const plan::Event& event) {
  switch (event.kind) {
    case plan::Event::Kind::kJobStarted:
      ++bar_.counts.running;
      break;
    case plan::Event::Kind::kJobFinished:
    case plan::Event::Kind::kJobFailed:
      bar_.counts.running -= bar_.counts.running > 0;
      if (!event.will_retry && !event.exit->cancelled) ended(event);
      break;
    case plan::Event::Kind::kStopping:
      bar_.clear();
      if (::isatty(2))
        os::write_error("Stopping: running jobs are asked to end (interrupt again to kill them)\n");
      break;
    default:
      break;
  }
}

void MapProgress::ended(const plan::Event& event) {
  const bool ok = event.kind == plan::Event::Kind::kJobFinished;
  ++(ok ? bar_.counts.done : bar_.counts.failed);
  const plan::Exit& exit = *event.exit;
  const bool is_slow = slowest_.size() < kSlowest || exit.usage.wall_s > slowest_.back().wall_s;
  const bool is_noted = !ok && failed_.size() < kFailedShown;
  if (!is_slow && !is_noted) return;
  const command::MapJob& job = source_.job(event.job);
  const std::string input = job.values.empty() ? fmt::format("number {}", job.seq) : job.values.joined(" ");
  Ended entry{
      exit.usage.wall_s, shown(input), ok ? "" : how_it_ended(exit), {job.values, job.identity.occurrence}};
  if (is_noted) failed_.push_back(entry);
  if (!is_slow) return;
  const auto place = std::find_if(slowest_.begin(), slowest_.end(),
                                  [&](const Ended& other) { return other.wall_s < entry.wall_s; });
  slowest_.insert(place, std::move(entry));
  if (slowest_.size() > kSlowest) slowest_.pop_back();
}

std::string MapProgress::summary(const farm::Summary& summary) const {
  const bool is_long = is_wanted() || (bar_.was_drawn() && ::isatty(2));
  const std::size_t failed = bar_.counts.failed;
  if (options_.quiet || (!is_long && failed == 0)) return {};
  const std::size_t jobs = bar_.counts.done + failed + summary.cancelled;
  std::string text = fmt::format("furrow map: {} of {} done in {}", bar_.counts.done, count_of(jobs, "job"),
                                 human_duration(summary.wall_s));
  if (failed > 0) text += fmt::format("; {} failed", failed);
  if (summary.cancelled > 0) text += fmt::format("; {} interrupted", summary.cancelled);
  text += "\n";
  if (is_long && jobs > 1) {
    for (const Ended& job : slowest_)
      text += fmt::format("  slow: {:>9}  {}\n", human_duration(job.wall_s), job.input);
  }
  for (const Ended& job : failed_) text += fmt::format("  failed: {}  ({})\n", job.input, job.how);
  if (failed > failed_.size()) text += fmt::format("  and {} more\n", failed - failed_.size());
  if (failed == 0) return text;
  std::vector<FailedInput> again;
  for (const Ended& job : failed_) again.push_back(job.again);
  if (failed > failed_.size()) again.clear();
  text += rerun_advice(options_, plan_, names_, again);
  return text;
}

}  // namespace furrow::cli
