#include "os/terminal/progress_line.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/strings.hpp"

namespace furrow::os {

namespace {

constexpr std::size_t kMostCells = 40;
constexpr std::size_t kLeastCells = 8;  // a shorter bar says nothing
constexpr const char* kEraseLine = "\r\x1b[K";

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

std::uint64_t ended(const ProgressFigures& figures) { return figures.done + figures.failed; }

// ROOM: the columns that the bar and a space behind it may take. Empty where it would be too short.
std::string bar_of(const ProgressFigures& figures, std::size_t room) {
  const std::uint64_t total = figures.total.value_or(0);
  if (total == 0 || room <= kLeastCells) return {};
  const std::size_t cells = std::min(kMostCells, room - 1);
  const auto full = static_cast<std::size_t>(cells * std::min(ended(figures), total) / total);
  std::string bar;
  for (std::size_t i = 0; i < cells; ++i) bar += i < full ? "█" : "░";
  return bar + ' ';
}

}  // namespace

std::string progress_text(const ProgressFigures& figures) {
  const std::uint64_t over = ended(figures);
  const double rate = figures.elapsed_s > 0
                          ? static_cast<double>(over - std::min(figures.earlier, over)) / figures.elapsed_s
                          : 0;
  std::string text = figures.total ? fmt::format("{}/{}", figures.done, *figures.total)
                                   : fmt::format("{} done", figures.done);
  if (figures.running) text += fmt::format("  {} running", *figures.running);
  if (figures.failed > 0) text += fmt::format("  {} failed", figures.failed);
  text += fmt::format("  {:.3g}/s", rate);
  if (figures.total && rate > 0 && *figures.total >= over)
    text += "  " + human_duration(static_cast<double>(*figures.total - over) / rate) + " left";
  return text;
}

void write_error(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

ProgressLine::ProgressLine() : on_terminal_(::isatty(STDERR_FILENO) != 0) {}

void ProgressLine::draw(const ProgressFigures& figures) {
  if (!on_terminal_) return;
  const std::string text = progress_text(figures);
  const std::size_t width = terminal_width();
  const std::size_t room = width > text.size() + 3 ? width - text.size() - 3 : 0;
  write_error(kEraseLine + bar_of(figures, room) + text.substr(0, width - 1));
  is_shown_ = true;
}

void ProgressLine::erase() {
  if (std::exchange(is_shown_, false)) write_error(kEraseLine);
}

}  // namespace furrow::os
