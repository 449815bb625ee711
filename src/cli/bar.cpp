#include "cli/bar.hpp"

#include <utility>

#include "os/events/clock.hpp"

namespace furrow::cli {

namespace {

constexpr double kTick_s = 0.2;
constexpr double kLineEvery_s = 10;  // where there is no terminal

}  // namespace

Bar::Bar(os::EventLoop& loop) : loop_(loop), began_(os::monotonic_seconds()) {}

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

os::ProgressFigures Bar::figures() const {
  os::ProgressFigures figures{.done = counts.done, .failed = counts.failed, .running = counts.running};
  if (total_) figures.total = total_();
  figures.elapsed_s = os::monotonic_seconds() - began_;
  return figures;
}

std::string Bar::text() const { return os::progress_text(figures()); }

void Bar::draw() {
  const os::ProgressFigures now = figures();
  if (now.total && *now.total == 0) return;
  was_drawn_ = true;
  if (line_.is_on_terminal()) return line_.draw(now);
  const double time = os::monotonic_seconds();
  if (time - last_line_ < kLineEvery_s) return;
  last_line_ = time;
  os::write_error(os::progress_text(now) + "\n");
}

void Bar::clear() { line_.erase(); }

}  // namespace furrow::cli
