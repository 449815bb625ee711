// The progress of a map or a run as one line on standard error, drawn in place: a bar, counts, speed and the
// remaining time. Used by every face, so that they all look the same. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace furrow::os {

struct ProgressFigures {
  std::uint64_t done = 0;    // without those that failed
  std::uint64_t failed = 0;  // for good
  std::optional<std::uint64_t> running{};
  std::optional<std::uint64_t> total{};  // if it is known
  double elapsed_s = 0;
  std::uint64_t earlier = 0;  // of those done: results of an earlier run, which do not count for the speed
};

// "12/40  2 running  1 failed  3.4/s  8 s left"
std::string progress_text(const ProgressFigures& figures);

// Writes TEXT to standard error as a whole; drops what nobody reads.
void write_error(std::string_view text);

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { erase(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  bool is_on_terminal() const { return on_terminal_; }
  // Draws the line in place of the last one. Nothing where standard error is no terminal.
  void draw(const ProgressFigures& figures);
  void erase();

 private:
  const bool on_terminal_;
  bool is_shown_ = false;
};

}  // namespace furrow::os
