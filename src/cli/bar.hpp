// One line on standard error that says how far a run is, drawn anew a few times a second: on a terminal as a
// bar in place, elsewhere as a line now and then. For `furrow run` and `furrow map`. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "os/events/event_loop.hpp"

namespace furrow::cli {

class Bar {
 public:
  struct Counts {
    std::size_t done = 0, running = 0, failed = 0;  // failed for good; not among those done
  };

  explicit Bar(os::EventLoop& loop);
  ~Bar();
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;

  // Draws from DELAY_S on. TOTAL: of jobs, where it is known.
  void start(double delay_s, std::function<std::optional<std::size_t>()> total);
  void clear();  // before anything else is printed
  void stop();   // for good

  Counts counts;
  bool was_drawn() const { return was_drawn_; }
  std::string text() const;  // "12/40  2 running  3.4/s  8 s left"

 private:
  void tick();
  void draw();

  os::EventLoop& loop_;
  const bool on_terminal_;
  std::function<std::optional<std::size_t>()> total_;
  double began_;
  double last_line_ = 0;
  bool is_shown_ = false, was_drawn_ = false;
  std::uint64_t timer_ = 0;
};

// To standard error, whole; what nobody reads is dropped.
void write_error(std::string_view text);

}  // namespace furrow::cli
