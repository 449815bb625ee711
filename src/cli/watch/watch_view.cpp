#include "cli/watch/watch_view.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "cli/watch/terminal_screen.hpp"
#include "report/runs/run_facts.hpp"
#include "store/run_mark.hpp"

namespace furrow::cli {

namespace {

constexpr int kNarrow = 60;  // fewer columns show less of each job
constexpr std::size_t kLogLines = 12;
constexpr std::size_t kMostJobs = 2000;  // where all are shown

// A text of the user on one line, which a terminal can be given.
std::string shown(std::string_view text) { return printable(one_line(text)); }

std::string clock_text(double at) {
  return fmt::format("{:%H:%M:%S}", fmt::localtime(static_cast<std::time_t>(at)));
}

std::string memory_text(std::int64_t kb) {
  if (kb <= 0) return "-";
  if (kb < 10'000) return fmt::format("{:.1f} MB", static_cast<double>(kb) * 1.024e-3);
  if (kb < 10'000'000) return fmt::format("{:.0f} MB", static_cast<double>(kb) * 1.024e-3);
  return fmt::format("{:.1f} GB", static_cast<double>(kb) * 1.024e-6);
}

std::string counts_text(const report::LiveRun& live, bool is_running) {
  std::string text = fmt::format("{}/{} done", live.done(), live.due());
  if (is_running) text += fmt::format("  {} running  {} waiting", live.running().size(), live.waiting());
  if (live.failed() > 0) text += fmt::format("  {} failed", live.failed());
  if (live.interrupted() > 0) text += fmt::format("  {} interrupted", live.interrupted());
  if (live.skipped() > 0) text += fmt::format("  {} skipped", live.skipped());
  if (!is_running && !live.running().empty()) text += fmt::format("  {} unfinished", live.running().size());
  return text;
}

// A job that waits in a batch system has no machine yet.
const std::string& place_of(const FollowedRun& run, const report::LiveJob& job) {
  if (!job.host.empty()) return job.host;
  const store::RunFacts& facts = run.live.facts();
  return facts.executor == "local" ? facts.host : facts.executor;
}

std::string times_text(const FollowedRuns& runs, const FollowedRun& run, double now) {
  const double end = run.is_running() ? now : std::max(run.live.last_event_at(), run.live.facts().began_at);
  std::string text = human_duration(std::max(0.0, end - run.live.facts().began_at));
  if (!run.is_running()) return text;
  if (const auto left = runs.remaining_s(run, now)) text += ", about " + human_duration(*left) + " left";
  return text;
}

class Lines {
 public:
  Lines(const FollowedRuns& runs, const WatchView& view) : runs_(runs), view_(view) {}

  std::vector<std::string> all() {
    add(title());
    for (const auto& run : runs_.runs()) add_run(*run);
    if (runs_.runs().empty()) add("No run has a journal yet.");
    add_jobs();
    if (view_.shows_failures) add_failures();
    if (view_.shows_log) add_log();
    if (view_.is_interactive) add_keys();
    return std::move(lines_);
  }

 private:
  void add(const std::string& line) { lines_.push_back(fitted(line, view_.columns)); }
  std::string coloured(const char* code, const std::string& text) const {
    return view_.has_colours ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
  }
  std::size_t room() const {
    return view_.lines == 0
               ? kMostJobs
               : static_cast<std::size_t>(std::max(0, view_.lines - static_cast<int>(lines_.size())));
  }

  std::string title() const {
    const std::string clock = clock_text(view_.now);
    const int left = view_.columns - static_cast<int>(clock.size()) - 1;
    return coloured("1", padded("furrow watch  " + shown(view_.folder), left)) + " " + clock;
  }

  void add_run(const FollowedRun& run) {
    const store::RunFacts& facts = run.live.facts();
    const char* const colour = run.is_running() ? "1" : run.state() == "done" ? "32" : "31";
    std::string line = coloured(colour, run.state()) + "  " + shown(facts.host);
    if (const long pid = store::RunMark::from(facts.mark).pid; pid > 0) line += fmt::format(" pid {}", pid);
    line += "  " + shown(facts.user) + "  since " + clock_text(facts.began_at);
    if (facts.cores > 0) line += "  " + count_of(static_cast<std::size_t>(facts.cores), "core");
    if (facts.executor != "local") line += "  " + shown(facts.executor);
    add("");
    add(line);
    const std::string times = times_text(runs_, run, view_.now);
    add(bar(run.live) + counts_text(run.live, run.is_running()));
    add(times +
        (run.live.up_to_date() > 0 ? fmt::format("; {} up to date before", run.live.up_to_date()) : ""));
  }

  std::string bar(const report::LiveRun& live) const {
    const int cells = view_.columns / 3;
    if (live.due() == 0 || view_.columns < kNarrow) return "";
    const auto part = [&](std::uint64_t jobs) {
      return static_cast<int>(static_cast<double>(std::min(jobs, live.due())) /
                              static_cast<double>(live.due()) * cells);
    };
    const int done = part(live.done()), failed = part(live.done() + live.failed() + live.skipped()) - done;
    std::string text;
    for (int i = 0; i < done; ++i) text += "█";
    if (failed > 0) {
      std::string bad;
      for (int i = 0; i < failed; ++i) bad += "▓";
      text += coloured("31", bad);
    }
    for (int i = done + failed; i < cells; ++i) text += "░";
    return text + " ";
  }

  // Columns: rule, wildcards, node, time, memory. A narrow terminal shows less.
  void add_jobs() {
    const std::size_t count = running_jobs(runs_);
    if (count == 0) return;
    const int kept = (view_.shows_failures && has_failures() ? 4 : 0) + (view_.shows_log ? 6 : 0) + 2;
    std::size_t most =
        std::max<std::size_t>(1, room() > static_cast<std::size_t>(kept + 2) ? room() - kept - 2 : 1);
    if (view_.lines == 0) most = kMostJobs;
    most = std::min(most, count);
    std::size_t first = 0;
    if (view_.selected >= 0 && static_cast<std::size_t>(view_.selected) >= most)
      first = view_.selected - most + 1;
    const bool is_narrow = view_.columns < kNarrow;
    const int rule = std::clamp(view_.columns / 5, 8, 24), node = is_narrow ? 0 : 12, time = 12,
              memory = is_narrow ? 0 : 9;
    const int wildcards = std::max(
        4, view_.columns - 2 - rule - 1 - (node + (node ? 1 : 0)) - time - 1 - (memory + (memory ? 1 : 0)));
    const auto row = [&](const std::string& mark, const std::string& a, const std::string& b,
                         const std::string& c, const std::string& d, const std::string& e) {
      return mark + padded(a, rule) + " " + padded(b, wildcards) + " " + (node ? padded(c, node) + " " : "") +
             padded(d, time) + (memory ? " " + fmt::format("{:>{}}", e, memory) : "");
    };
    add("");
    add(coloured("2", row("  ", "RULE", "JOB", "NODE", "TIME", "MEMORY")));
    std::size_t at = 0;
    for (const auto& run : runs_.runs()) {
      if (!run->is_running()) continue;
      for (const auto& [number, job] : run->live.running()) {
        const std::size_t place = at++;
        if (place < first || place >= first + most) continue;
        const bool is_selected = static_cast<int>(place) == view_.selected;
        if (is_selected) chosen_ = &job;
        const std::string name = job.wildcards.empty() ? job.key : job.wildcards;
        const std::string line =
            row(is_selected ? "> " : "  ", shown(job.rule),
                shown(name) + (job.attempt > 1 ? fmt::format(" (attempt {})", job.attempt) : ""),
                shown(place_of(*run, job)), human_duration(std::max(0.0, view_.now - job.started_at)),
                run->is_here ? memory_text(run->memory.of(job.key)) : "-");
        add(is_selected ? coloured("7", fitted(line, view_.columns)) : line);
      }
    }
    if (count > most) add(coloured("2", fmt::format("  and {} more", count - most)));
  }

  bool has_failures() const {
    return std::any_of(runs_.runs().begin(), runs_.runs().end(),
                       [](const auto& run) { return !run->live.failures().empty(); });
  }

  void add_failures() {
    if (!has_failures()) return;
    add("");
    add(coloured("31", "FAILED"));
    const std::size_t most = view_.lines == 0 ? 20 : std::clamp<std::size_t>(room() / 3, 2, 20);
    for (const auto& run : runs_.runs()) {
      const auto& failures = run->live.failures();
      const std::size_t first = failures.size() > most ? failures.size() - most : 0;
      for (std::size_t i = first; i < failures.size(); ++i) add("  " + failure_text(failures[i]));
      if (first > 0) add(coloured("2", fmt::format("  and {} before", first)));
    }
  }

  // Of the chosen job; without one, of the last that has failed.
  void add_log() {
    std::string name, logs, output;
    if (chosen_) {
      name = chosen_->rule + " " + chosen_->wildcards;
      logs = chosen_->logs;
    } else {
      for (const auto& run : runs_.runs()) {
        if (run->live.failures().empty()) continue;
        const report::FailedJob& last = run->live.failures().back();
        name = last.job.rule + " " + last.job.wildcards;
        logs = last.job.logs;
        output = last.output;
      }
    }
    if (name.empty()) return;
    std::string end;
    for (const std::string& log : split(logs, '\n')) {
      end = report::end_of_log(log.starts_with('/') ? log : view_.folder + "/" + log);
      if (!end.empty()) break;
    }
    if (end.empty()) end = output;
    add("");
    add(coloured("1", "LOG of " + shown(name)));
    if (end.empty()) return add("  it has none, or an empty one");
    const std::vector<std::string> all = split(end, '\n');
    const std::size_t most =
        view_.lines == 0 ? kLogLines : std::clamp<std::size_t>(room() > 1 ? room() - 1 : 1, 1, kLogLines);
    for (std::size_t i = all.size() > most ? all.size() - most : 0; i < all.size(); ++i)
      add("  " + shown(all[i]));
  }

  void add_keys() {
    const int last = view_.lines;
    while (last > 0 && static_cast<int>(lines_.size()) < last - 1) lines_.emplace_back();
    lines_.resize(
        static_cast<std::size_t>(std::max(0, std::min<int>(static_cast<int>(lines_.size()), last - 1))));
    add(coloured("2", "q quit   up/down choose a job   l its log   f failures"));
  }

  const FollowedRuns& runs_;
  const WatchView& view_;
  std::vector<std::string> lines_;
  const report::LiveJob* chosen_ = nullptr;
};

}  // namespace

std::size_t running_jobs(const FollowedRuns& runs) {
  std::size_t count = 0;
  for (const auto& run : runs.runs()) {
    if (run->is_running()) count += run->live.running().size();
  }
  return count;
}

std::string failure_text(const report::FailedJob& failure) {
  const std::string name = failure.job.wildcards.empty() ? failure.job.key : failure.job.wildcards;
  std::string text = shown(failure.job.rule) + " (" + shown(name) + "): ";
  if (!failure.error.empty()) {
    text += shown(failure.error.substr(0, failure.error.find('\n')));
  } else if (failure.timed_out) {
    text += "took too long";
  } else if (failure.signal != 0) {
    text += fmt::format("signal {}", failure.signal);
  } else {
    text += fmt::format("exit code {}", failure.status);
  }
  return text + (failure.will_retry ? ", is tried again" : "");
}

std::string counts_of(const FollowedRun& run) {
  return run.state() + "  " + counts_text(run.live, run.is_running());
}

std::string summary_of(const FollowedRuns& runs, const FollowedRun& run, double now) {
  return counts_of(run) + "  " + times_text(runs, run, now);
}

std::vector<std::string> lines_of(const FollowedRuns& runs, const WatchView& view) {
  return Lines(runs, view).all();
}

}  // namespace furrow::cli
