#include "cli/watch/watch_command.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "base/printable.hpp"
#include "cli/report_error.hpp"
#include "cli/watch/terminal_screen.hpp"
#include "cli/watch/watch_view.hpp"
#include "os/events/clock.hpp"
#include "os/events/event_loop.hpp"
#include "os/events/signals.hpp"
#include "os/files/files.hpp"
#include "os/files/write_all.hpp"

namespace furrow::cli {

namespace {

constexpr const char* kHelp =
    "furrow watch - what the furrow run in a folder does\n"
    "\n"
    "usage: furrow watch [OPTIONS] [DIR]\n"
    "\n"
    "DIR is the folder in which furrow run works (default: this one); it may be watched from any machine "
    "that\n"
    "shares it. Only files are read: the run is not disturbed. On a terminal, q quits, the arrows choose a "
    "job, l\n"
    "shows the end of its log, and f hides or shows what has failed. Elsewhere a line is printed when "
    "something\n"
    "has changed, until no run goes on.\n"
    "\n"
    "  --once             print one picture and end\n"
    "  --interval S       seconds between two looks (default: 2, without a terminal 10)\n"
    "  -h,--help          print this help\n";

constexpr double kInterval_s = 2, kPlainInterval_s = 10, kShortestInterval_s = 0.1;

struct WatchArgs {
  std::string directory = ".";
  bool is_once = false, is_help = false;
  std::optional<double> interval_s;
};

std::string parse(const std::vector<std::string>& arguments, WatchArgs& args) {
  CLI::App app;
  app.set_help_flag();
  app.add_flag("-h,--help", args.is_help);
  app.add_option("dir", args.directory);
  app.add_flag("--once", args.is_once);
  app.add_option("--interval", args.interval_s)->check(CLI::Range(kShortestInterval_s, 86400.0));
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Error& error) {
    return error.what();
  }
  return {};
}

bool wants_colours() {
  const char* const no = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) && (!no || !*no) && !(terminal && std::string_view(terminal) == "dumb");
}

std::string folder_of(const WatchArgs& args) {
  std::string folder = os::absolute(args.directory);
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return folder;
}

Result<void> check_store(const std::string& folder) {
  if (os::status(folder).kind != os::FileStatus::Kind::kDirectory)
    return fail(Error{"there is no folder " + folder});
  if (os::status(folder + "/.furrow").kind == os::FileStatus::Kind::kDirectory) return {};
  return fail(Error{"no workflow has run in " + folder + ": it has no store (.furrow)", "", 0,
                    "Name the folder in which furrow run works, the one of its --directory."});
}

bool print(const std::string& text) { return os::write_all(STDOUT_FILENO, text); }

int watch_once(FollowedRuns& runs, const std::string& folder) {
  if (auto read = runs.refresh(); !read) return report_error(read.error());
  WatchView view{.folder = folder, .now = os::wall_seconds(), .has_colours = wants_colours()};
  if (::isatty(STDOUT_FILENO))
    view.columns = TerminalScreen::size().columns;
  else
    view.columns = 120;
  view.shows_log = true;
  std::string text;
  for (const std::string& line : lines_of(runs, view))
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  return print(text) ? 0 : 1;
}

// Prints a line for each run when its numbers have changed, and one for each failure.
int watch_plainly(FollowedRuns& runs, double interval_s) {
  struct Printed {
    std::string line;
    std::uint64_t failures = 0;
  };
  std::map<std::string, Printed> printed;
  for (;;) {
    if (auto read = runs.refresh(); !read) return report_error(read.error());
    const double now = os::wall_seconds();
    std::string text;
    for (const auto& run : runs.runs()) {
      Printed& last = printed[run->id];
      const auto& failures = run->live.failures();
      const std::uint64_t seen = run->live.failure_number();
      const std::uint64_t fresh = std::min<std::uint64_t>(seen - last.failures, failures.size());
      for (std::size_t i = failures.size() - fresh; i < failures.size(); ++i)
        text += "failed: " + failure_text(failures[i]) + "\n";
      last.failures = seen;
      const std::string counts = counts_of(*run);
      if (counts != last.line) text += summary_of(runs, *run, now) + "\n";
      last.line = counts;
    }
    if (runs.runs().empty()) text += "no run has a journal here\n";
    if (!print(text)) return 1;
    if (!runs.has_running()) return 0;
    ::usleep(static_cast<useconds_t>(interval_s * 1e6));
  }
}

// On a terminal, until q, Ctrl-C or a signal.
class Watching {
 public:
  Watching(FollowedRuns& runs, std::string folder, double interval_s)
      : runs_(runs),
        interval_s_(interval_s),
        view_{.folder = std::move(folder), .has_colours = wants_colours()} {
    view_.is_interactive = true;
  }

  int run() {
    {
      TerminalScreen screen;
      screen_ = &screen;
      const os::SignalWatch signals(
          loop_, os::not_ignored({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT}),
          [this](int signal) { take_signal(signal); });
      loop_.watch(STDIN_FILENO, EPOLLIN, [this](std::uint32_t events) { take_keys(events); });
      look();
      while (!is_over_) loop_.run_once(-1);
      loop_.cancel(timer_);
      loop_.forget(STDIN_FILENO);
    }
    if (error_) return report_error(*error_);
    return signal_ == 0 ? 0 : 128 + signal_;
  }

 private:
  void look() {
    if (auto read = runs_.refresh(); !read) {
      error_ = read.error();
      is_over_ = true;
      return;
    }
    draw();
    timer_ = loop_.after(interval_s_, [this] { look(); });
  }

  void draw() {
    const TerminalScreen::Size size = TerminalScreen::size();
    view_.columns = size.columns;
    view_.lines = size.lines;
    view_.now = os::wall_seconds();
    const int count = static_cast<int>(running_jobs(runs_));
    view_.selected = std::min(view_.selected, count - 1);
    screen_->draw(lines_of(runs_, view_));
  }

  void take_signal(int signal) {
    if (signal == SIGWINCH) return draw();
    if (signal == SIGTSTP) {
      screen_->suspend();
      ::kill(0, SIGSTOP);
      return;
    }
    if (signal == SIGCONT) {
      screen_->resume();
      return draw();
    }
    signal_ = signal;
    is_over_ = true;
  }

  void take_keys(std::uint32_t events) {
    char keys[64];
    const ssize_t n = ::read(STDIN_FILENO, keys, sizeof keys);
    if (n <= 0) {
      if (events & (EPOLLHUP | EPOLLERR)) is_over_ = true;
      return;
    }
    const std::string_view text(keys, static_cast<std::size_t>(n));
    if (text == "\x1b[A" || text == "k") --view_.selected;
    if (text == "\x1b[B" || text == "j") ++view_.selected;
    view_.selected = std::max(view_.selected, -1);
    if (text == "l" || text == "\n" || text == "\r") view_.shows_log = !view_.shows_log;
    if (text == "f") view_.shows_failures = !view_.shows_failures;
    if (text == "q" || text == "\x1b") is_over_ = true;
    if (!is_over_) draw();
  }

  FollowedRuns& runs_;
  const double interval_s_;
  WatchView view_;
  os::EventLoop loop_;
  TerminalScreen* screen_ = nullptr;
  std::uint64_t timer_ = 0;
  bool is_over_ = false;
  int signal_ = 0;
  std::optional<Error> error_;
};

}  // namespace

int watch_command(const std::vector<std::string>& arguments) {
  WatchArgs args;
  if (const std::string mistake = parse(arguments, args); !mistake.empty()) {
    print_message(stderr, "furrow watch: " + one_line(mistake) + "; see furrow watch --help");
    return 2;
  }
  if (args.is_help) return std::fputs(kHelp, stdout) < 0;
  std::setlocale(LC_CTYPE, "C.UTF-8");  // for the widths of characters
  const std::string folder = folder_of(args);
  if (auto there = check_store(folder); !there) return report_error(there.error());
  FollowedRuns runs(folder + "/.furrow");
  if (args.is_once) return watch_once(runs, folder);
  if (!::isatty(STDOUT_FILENO) || !::isatty(STDIN_FILENO))
    return watch_plainly(runs, args.interval_s.value_or(kPlainInterval_s));
  return Watching(runs, folder, args.interval_s.value_or(kInterval_s)).run();
}

}  // namespace furrow::cli
