// The whole terminal as a picture of lines: in its alternate screen, without echo, until the object is gone. What was on the
// terminal before is there again afterwards. Not thread-safe.
#pragma once

#include <termios.h>

#include <string>
#include <vector>

namespace furrow::cli {

class TerminalScreen {
 public:
  TerminalScreen();
  ~TerminalScreen() { suspend(); }
  TerminalScreen(const TerminalScreen&) = delete;
  TerminalScreen& operator=(const TerminalScreen&) = delete;

  // The terminal is as before until resume(), as after Ctrl-Z.
  void suspend();
  void resume();

  struct Size {
    int columns = 80, lines = 24;
  };
  static Size size();
  // Each line must fit; those beyond the last line are not drawn.
  void draw(const std::vector<std::string>& lines) const;

 private:
  termios before_{};
  bool is_entered_ = false;
};

// TEXT without what does not fit into so many columns; it ends with "…" then. Escape sequences for colours take none.
std::string fitted(std::string_view text, int columns);
// The same, and filled up with blanks.
std::string padded(std::string_view text, int columns);
int columns_of(std::string_view text);

}  // namespace furrow::cli
