#include "cli/watch/terminal_screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "os/files/write_all.hpp"

namespace furrow::cli {

namespace {

constexpr const char* kShowPicture =
    "\x1b[?1049h\x1b[?25l\x1b[?7l";  // alternate screen, no cursor, no wrapping
constexpr const char* kShowBefore = "\x1b[?7h\x1b[?25h\x1b[?1049l";

// The bytes of what comes next in TEXT, which is printable, and its columns.
std::pair<std::size_t, int> next_in(std::string_view text) {
  if (text[0] == '\x1b') return {std::min(text.find('m'), text.size() - 1) + 1, 0};
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t size = std::min<std::size_t>(text.size(), first >= 0xf0   ? 4
                                                              : first >= 0xe0 ? 3
                                                              : first >= 0xc0 ? 2
                                                                              : 1);
  if (size == 1) return {1, 1};
  wchar_t code = first & (0xff >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  return {size, std::max(0, ::wcwidth(code))};
}

}  // namespace

TerminalScreen::TerminalScreen() { resume(); }

void TerminalScreen::resume() {
  if (std::exchange(is_entered_, true)) return;
  ::tcgetattr(STDIN_FILENO, &before_);
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  (void)os::write_all(STDOUT_FILENO, kShowPicture);
}

void TerminalScreen::suspend() {
  if (!std::exchange(is_entered_, false)) return;
  (void)os::write_all(STDOUT_FILENO, kShowBefore);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

TerminalScreen::Size TerminalScreen::size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void TerminalScreen::draw(const std::vector<std::string>& lines) const {
  const auto most = static_cast<std::size_t>(std::max(size().lines, 1));
  std::string text = "\x1b[H";
  for (std::size_t i = 0; i < std::min(lines.size(), most); ++i) {
    if (i > 0) text += "\r\n";
    text += lines[i] + "\x1b[0m\x1b[K";
  }
  (void)os::write_all(STDOUT_FILENO, text + "\x1b[J");
}

int columns_of(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const auto [bytes, wide] = next_in(text);
    columns += wide;
    text.remove_prefix(bytes);
  }
  return columns;
}

std::string fitted(std::string_view text, int columns) {
  if (columns_of(text) <= columns) return std::string(text);
  std::string kept;
  int used = 0;
  while (!text.empty()) {
    const auto [bytes, wide] = next_in(text);
    if (used + wide > columns - 1) break;
    kept += text.substr(0, bytes);
    used += wide;
    text.remove_prefix(bytes);
  }
  return columns > 0 ? kept + "…" : "";
}

std::string padded(std::string_view text, int columns) {
  std::string made = fitted(text, columns);
  return made.append(static_cast<std::size_t>(std::max(0, columns - columns_of(made))), ' ');
}

}  // namespace furrow::cli
