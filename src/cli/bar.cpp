#include "cli/bar.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/strings.hpp"
#include "os/events/clock.hpp"

namespace furrow::cli {

namespace {

constexpr double kTick_s = 0.2;
constexpr double kLineEvery_s = 10;  // where there is no terminal
constexpr std::size_t kMostCells = 40;

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

}  // namespace

void write_error(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(2, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

Bar::Bar(os::EventLoop& loop) : loop_(loop), on_terminal_(::isatty(2)), began_(os::monotonic_seconds()) {}

Bar::~Bar() { stop(); }

void Bar::start(double delay_s, std::function<std::optional<std::size_t>()> total) {
  total_ = std::move(total);
  timer_ = loop_.after(delay_s, [this] { tick(); });
}

void Bar::stop() {
  clear();
  loop_.cancel(std::exchange(timer_, 0));
}

void Bar::tick() {
  draw();
  timer_ = loop_.after(kTick_s, [this] { tick(); });
}

std::string Bar::text() const {
  const std::optional<std::size_t> total = total_ ? total_() : std::nullopt;
  const double elapsed = os::monotonic_seconds() - began_;
  const std::size_t ended = counts.done + counts.failed;
  const double rate = elapsed > 0 ? static_cast<double>(ended) / elapsed : 0;
  std::string text = total ? fmt::format("{}/{}", counts.done, *total) : fmt::format("{} done", counts.done);
  text += fmt::format("  {} running", counts.running);
  if (counts.failed > 0) text += fmt::format("  {} failed", counts.failed);
  text += fmt::format("  {:.3g}/s", rate);
  if (total && ended > 0 && *total >= ended)
    text += "  " + human_duration(static_cast<double>(*total - ended) / rate) + " left";
  return text;
}

void Bar::draw() {
  const std::optional<std::size_t> total = total_ ? total_() : std::nullopt;
  if (total && *total == 0) return;
  was_drawn_ = true;
  const std::string line = text();
  if (!on_terminal_) {
    const double now = os::monotonic_seconds();
    if (now - last_line_ < kLineEvery_s) return;
    last_line_ = now;
    write_error(line + "\n");
    return;
  }
  const std::size_t width = terminal_width();
  const bool has_room = total && width > line.size() + 12;
  const std::size_t cells = has_room ? std::min(kMostCells, width - line.size() - 4) : 0;
  const std::size_t full = total ? cells * std::min(counts.done + counts.failed, *total) / *total : 0;
  std::string bar;
  for (std::size_t i = 0; i < cells; ++i) bar += i < full ? "█" : "░";
  write_error("\r\x1b[K" + bar + (cells > 0 ? " " : "") + line.substr(0, width - 1));
  is_shown_ = true;
}

void Bar::clear() {
  if (!std::exchange(is_shown_, false)) return;
  write_error("\r\x1b[K");
}

}  // namespace furrow::cli
