// The implementation of the local executor: local_executor.cpp starts attempts, local_executor_end.cpp ends
// and reports them.
#pragma once

#include <signal.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exec/local/attempt_slot.hpp"
#include "exec/local/descriptor_limit.hpp"
#include "exec/local/launcher.hpp"
#include "exec/local/local_executor.hpp"
#include "exec/output/stream_capture.hpp"

namespace furrow::exec {

class LocalExecutor::Impl : public plan::ForkService::Listener {
 public:
  Impl(os::EventLoop& loop, os::Watchdog* watchdog, plan::ForkService* forks, OutputSink* sink,
       LocalOptions options)
      : loop_(loop),
        watchdog_(watchdog),
        forks_(forks),
        sink_(sink),
        options_(std::move(options)),
        ending_(options_.ending.empty() ? std::vector<LocalOptions::Step>{{SIGTERM, options_.grace_s}}
                                        : options_.ending),
        one_stream_(sink == nullptr || sink->is_one_stream()),
        most_(std::min({options_.max_running, std::size_t{os::Watchdog::kSlots},
                        attempts_allowed(limit_.now(), one_stream_)})),
        launcher_(options_.scratch, limit_.before()),
        tools_(loop, options_.scratch, leftovers_allowed(limit_.now()),
               sink != nullptr && sink->wants_live_output() ? sink : nullptr) {
    if (forks_ != nullptr) forks_->set_fork_listener(this);
  }

  ~Impl() override {
    if (forks_ != nullptr) forks_->set_fork_listener(nullptr);
    loop_.cancel(ended_timer_);
    loop_.cancel(look_timer_);
    for (std::uint32_t i = 0; i < slots_.size(); ++i) destroy(i);
  }

  void start(plan::Attempt attempt);
  void cancel_all(plan::Stop how);
  void interrupt(plan::JobId job, bool timed_out);
  void on_forked(std::uint64_t tag, Result<int> pid) override;
  void on_fork_exit(std::uint64_t tag, int raw_wait_status, std::string error) override;

  plan::ExitListener* listener = nullptr;
  std::size_t running = 0;
  std::size_t most() const { return most_; }

 private:
  using State = AttemptSlot::State;

  AttemptSlot& at(std::uint32_t index) { return *slots_[index]; }
  std::optional<std::uint32_t> take_slot();
  std::optional<std::uint32_t> slot_of(std::uint64_t tag);
  std::atomic<std::int32_t>* table(std::uint32_t index) {
    return watchdog_ == nullptr ? nullptr : &watchdog_->slot(index);
  }

  Result<void> launch(std::uint32_t index);
  Result<void> start_program(std::uint32_t index, bool again);
  void start_again(std::uint32_t index);
  void cannot_start(std::uint32_t index, const Error& error);
  void launch_fork(std::uint32_t index, const plan::Launch& launch);
  void arm_timeout(std::uint32_t index, double seconds);
  void watch_memory(std::uint32_t index, double delay_s);

  void on_child_readable(std::uint32_t index);
  std::int64_t peak_of(const os::Ended& ended);
  void leader_ended(std::uint32_t index, int raw_status);
  void look_at_groups();
  void look_again_in(double delay_s);

  void ask_to_end(std::uint32_t index, Asked how);
  void send(std::uint32_t index);
  void next_step(std::uint32_t index);
  void give_up_on_fork(std::uint32_t index);

  void end_later(std::uint32_t index);
  void report_soon();
  void report_ended();
  void report(std::uint32_t index);
  void keep_output(std::uint32_t index);
  void forget_pidfd(AttemptSlot& slot);
  void cancel_timers(AttemptSlot& slot);
  void destroy(std::uint32_t index);

  os::EventLoop& loop_;
  os::Watchdog* const watchdog_;
  plan::ForkService* const forks_;
  OutputSink* const sink_;
  const LocalOptions options_;
  const std::vector<LocalOptions::Step> ending_;
  const bool one_stream_;
  DescriptorLimit limit_;
  const std::size_t most_;
  Launcher launcher_;
  CaptureTools tools_;
  std::vector<std::unique_ptr<AttemptSlot>> slots_;
  std::vector<std::uint32_t> free_;   // the slot freed last is used first: its files are warm
  std::vector<std::uint32_t> ended_;  // attempts that ended inside start(); reported from the loop
  std::vector<plan::Exit> refused_;
  std::uint64_t ended_timer_ = 0;
  std::vector<std::uint32_t> draining_;  // slots in state kDraining
  std::uint64_t look_timer_ = 0;
  bool is_cancelled_ = false;     // by cancel_all(): no attempt is started again
  std::int64_t own_peak_kb_ = 0;  // the engine's peak memory when last measured; it only grows
};

}  // namespace furrow::exec
