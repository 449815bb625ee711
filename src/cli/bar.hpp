// One line on standard error that shows the progress of a run: on a terminal a bar in place, redrawn a few
// times a second; elsewhere a new line from time to time. For `furrow run` and `furrow map`. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "os/events/event_loop.hpp"
#include "os/terminal/progress_line.hpp"

namespace furrow::cli {

class Bar {
 public:
  struct Counts {
    // Failed for good; these are not among those done.
    std::size_t done = 0, running = 0, failed = 0;
  };

  explicit Bar(os::EventLoop& loop);
  ~Bar();
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;

  // Starts to draw after DELAY_S. TOTAL gives the number of jobs, if it is known.
  void start(double delay_s, std::function<std::optional<std::size_t>()> total);
  void clear();  // before anything else is printed
  void stop();   // for good

  Counts counts;
  bool was_drawn() const { return was_drawn_; }
  std::string text() const;  // "12/40  2 running  3.4/s  8 s left"

 private:
  void tick();
  void draw();

  os::ProgressFigures figures() const;

  os::EventLoop& loop_;
  os::ProgressLine line_;
  std::function<std::optional<std::size_t>()> total_;
  double began_;
  double last_line_ = 0;
  bool was_drawn_ = false;
  std::uint64_t timer_ = 0;
};

}  // namespace furrow::cli
