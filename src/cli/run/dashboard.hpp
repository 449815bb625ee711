// --dashboard FILE.html: a page that shows a run while it goes on, without a server. The page reads FILE.data.js beside it
// again and again; that file is replaced as a whole, at most once a second. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "os/events/event_loop.hpp"
#include "report/runs/live_run.hpp"

namespace furrow::cli {

class Dashboard final : public store::RunEvents {
 public:
  // Writes the page. Fails if that is not possible.
  static Result<std::unique_ptr<Dashboard>> create(const std::string& path, report::RuleTimes earlier);

  // From now on it is written by timers of LOOP, until detach(). Borrowed.
  void attach(os::EventLoop& loop);
  void detach();
  // For the last time; also if no job has run. A page that cannot be written any longer is no reason to fail.
  void finish(int code);

  void on_run(const store::RunFacts& facts) override { live_.on_run(facts); }
  void on_workflow(std::string_view) override {}
  void on_plan(const std::vector<store::RulePlan>& rules) override { live_.on_plan(rules); }
  void on_total(std::uint64_t due) override { live_.on_total(due), write_soon(); }
  void on_start(const store::JobStart& start) override { live_.on_start(start), write_soon(); }
  void on_place(const store::JobPlace& place) override { live_.on_place(place), write_soon(); }
  void on_end(const store::JobEnd& end) override { live_.on_end(end), write_soon(); }
  void on_skipped(std::uint64_t jobs) override { live_.on_skipped(jobs); }
  void on_stopping(int signal, double at) override { live_.on_stopping(signal, at), write_soon(); }
  void on_finish(int code, double at) override { live_.on_finish(code, at); }

 private:
  Dashboard(std::string data_path, report::RuleTimes earlier)
      : data_path_(std::move(data_path)), earlier_(std::move(earlier)) {}
  void write_soon();
  void schedule(double delay_s);
  Result<void> write();

  std::string data_path_;
  report::RuleTimes earlier_;
  report::LiveRun live_;
  os::EventLoop* loop_ = nullptr;
  std::uint64_t timer_ = 0;
  bool is_news_ = false;  // since it was last written
};

}  // namespace furrow::cli
