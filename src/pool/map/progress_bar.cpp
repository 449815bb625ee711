#include "pool/map/progress_bar.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/strings.hpp"

namespace furrow::pool {

namespace {

constexpr std::size_t kWidestBar = 40;

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody reads any more
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

std::string figures(const ProgressUpdate& update, std::uint64_t earlier) {
  const std::uint64_t over = update.done + update.failed;
  const double rate =
      update.elapsed_s > 0 ? static_cast<double>(over - std::min(earlier, over)) / update.elapsed_s : 0;
  std::string text = fmt::format(" {}", over);
  if (update.total > 0) text += fmt::format("/{}", update.total);
  if (update.failed > 0) text += fmt::format("  {} failed", update.failed);
  text += fmt::format("  {:.3g}/s", rate);
  if (update.total > over && rate > 0)
    text += "  " + human_duration(static_cast<double>(update.total - over) / rate) + " left";
  return text;
}

}  // namespace

ProgressBar::ProgressBar() : on_terminal_(::isatty(STDERR_FILENO) != 0) {}

void ProgressBar::draw(const ProgressUpdate& update, std::uint64_t earlier) {
  if (!on_terminal_) return;
  const std::string text = figures(update, earlier);
  const std::size_t width = terminal_width();
  std::string bar;
  if (update.total > 0 && width > text.size() + 12) {
    const std::size_t cells = std::min(kWidestBar, width - text.size() - 4);
    const double part = static_cast<double>(update.done + update.failed) / static_cast<double>(update.total);
    const auto full = static_cast<std::size_t>(static_cast<double>(cells) * part);
    for (std::size_t i = 0; i < cells; ++i) bar += i < full ? "█" : "░";
  }
  write_all("\r\x1b[K" + bar + text.substr(0, width - 1));
  shown_ = true;
}

void ProgressBar::erase() {
  if (!shown_) return;
  write_all("\r\x1b[K");
  shown_ = false;
}

}  // namespace furrow::pool
