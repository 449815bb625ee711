#include "exec/local_executor.hpp"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "exec/capture.hpp"
#include "exec/descriptor_limit.hpp"
#include "exec/launcher.hpp"
#include "os/clock.hpp"
#include "os/files.hpp"
#include "os/peak_memory.hpp"
#include "os/process.hpp"

namespace furrow::exec {

namespace {

constexpr double kLookAgain_s = 0.002;  // at a group that is being ended
constexpr double kSettle_s = 0.3;       // for a group after SIGKILL, and for a fork that was never answered

// Looks at a job's memory: soon, since most are short, then ever less often.
constexpr double kFirstLook_s = 0.002, kLastLook_s = 1;

// How much of an attempt has been asked to end.
enum class Asked : std::uint8_t { kNothing, kTerminate, kKill };

struct Slot {
  explicit Slot(CaptureTools& tools) : capture(tools) {}

  // retired: a fork that nobody answered for; its child may still come, so its place in the guard's table is
  // not given out again.
  enum class State : std::uint8_t { kFree, kStarting, kRunning, kDraining, kEnded, kRetired };
  State state = State::kFree;
  Asked asked = Asked::kNothing;
  bool is_fork = false;
  std::uint32_t use = 0;  // of this slot; tells an answer to an earlier one
  int pid = -1;           // and process group; -1: not known yet
  int pidfd = -1;
  double started = 0;         // on the clock that measures
  double killed = 0;          // when SIGKILL was sent
  std::size_t step = 0;       // of what it is sent to end
  std::uint64_t timeout = 0;  // timers
  std::uint64_t grace = 0;
  std::uint64_t memory = 0;
  std::int64_t seen_kb = 0;     // the largest peak that was seen while it ran
  std::string scratch, script;  // files to delete
  Capture capture;
  plan::Exit exit;
};

constexpr std::size_t kMostLeftovers = 256;

std::size_t leftovers_allowed(std::size_t descriptors) { return std::min(kMostLeftovers, descriptors / 8); }

std::size_t descriptors_allow(std::size_t descriptors, bool one_stream) {
  const std::size_t others = 64 + leftovers_allowed(descriptors);
  const std::size_t each = one_stream ? 3 : 5;  // a pidfd, and of each stream a pipe and a file
  return descriptors <= others + each ? 1 : (descriptors - others) / each;
}

}  // namespace

class LocalExecutor::Impl : public plan::ForkService::Listener {
 public:
  Impl(os::EventLoop& loop, os::Guard* guard, plan::ForkService* forks, OutputSink* sink,
       LocalOptions options)
      : loop_(loop),
        guard_(guard),
        forks_(forks),
        sink_(sink),
        options_(std::move(options)),
        ending_(options_.ending.empty() ? std::vector<LocalOptions::Step>{{SIGTERM, options_.grace_s}}
                                        : options_.ending),
        one_stream_(sink == nullptr || sink->is_one_stream()),
        most_(std::min({options_.max_running, std::size_t{os::Guard::kSlots},
                        descriptors_allow(limit_.now(), one_stream_)})),
        launcher_(options_.scratch, limit_.before()),
        tools_(loop, options_.scratch, leftovers_allowed(limit_.now()),
               sink != nullptr && sink->wants_pieces() ? sink : nullptr) {
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
  using State = Slot::State;

  Slot& at(std::uint32_t index) { return *slots_[index]; }
  std::optional<std::uint32_t> take_slot();
  std::optional<std::uint32_t> slot_of(std::uint64_t tag);
  std::atomic<std::int32_t>* table(std::uint32_t index) {
    return guard_ == nullptr ? nullptr : &guard_->slot(index);
  }

  Result<void> launch(std::uint32_t index, const plan::Launch& launch);
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
  void forget_pidfd(Slot& slot);
  void cancel_timers(Slot& slot);
  void destroy(std::uint32_t index);

  os::EventLoop& loop_;
  os::Guard* const guard_;
  plan::ForkService* const forks_;
  OutputSink* const sink_;
  const LocalOptions options_;
  const std::vector<LocalOptions::Step> ending_;
  const bool one_stream_;
  DescriptorLimit limit_;
  const std::size_t most_;
  Launcher launcher_;
  CaptureTools tools_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::uint32_t> free_;   // the last one freed is used first: its files are warm
  std::vector<std::uint32_t> ended_;  // ended inside start(); reported from the loop
  std::vector<plan::Exit> refused_;
  std::uint64_t ended_timer_ = 0;
  std::vector<std::uint32_t> draining_;  // their leaders have ended
  std::uint64_t look_timer_ = 0;
  std::int64_t own_peak_kb_ = 0;  // of the engine, when it was last looked at; it only grows
};

// --- starting

void LocalExecutor::Impl::start(plan::Attempt attempt) {
  const std::optional<std::uint32_t> index = take_slot();
  if (!index) {  // more than max_running(): a mistake of the caller's, but no reason to lose the job's end
    refused_.push_back(
        {.job = attempt.job, .attempt = attempt.number, .status = -1, .error = "too many jobs run at once"});
    report_soon();
    return;
  }
  Slot& slot = at(*index);
  slot.exit = plan::Exit{.job = attempt.job, .attempt = attempt.number};
  slot.exit.started_at = os::wall_seconds();
  slot.started = os::monotonic_seconds();
  slot.scratch = std::move(attempt.launch.scratch);
  ++running;
  arm_timeout(*index, attempt.timeout_s);
  if (attempt.launch.watch_memory) watch_memory(*index, kFirstLook_s);
  if (Result<void> started = launch(*index, attempt.launch); !started) {
    slot.exit.status = -1;
    slot.exit.error = started.error().to_string();
    if (auto* const place = table(*index)) *place = 0;
    end_later(*index);
  }
}

Result<void> LocalExecutor::Impl::launch(std::uint32_t index, const plan::Launch& launch) {
  Slot& slot = at(index);
  if (launch.kind == plan::Launch::Kind::kNothing) {
    end_later(index);
    return {};
  }
  if (!launch.output) {
    if (auto opened = slot.capture.open(one_stream_, slot.exit.job); !opened) return opened;
  }
  if (launch.kind == plan::Launch::Kind::kFork) {
    if (forks_ == nullptr) return fail("there is no evaluator to fork the job from");
    launch_fork(index, launch);
    return {};
  }
  const LaunchTo to{slot.capture.out_fd(), slot.capture.err_fd(), table(index), &slot.script};
  Result<os::Child> child = launcher_.start(launch, to);
  slot.capture.close_write_ends();
  if (!child) return fail(std::move(child.error()));
  slot.state = State::kRunning;
  slot.pid = child->pid;
  slot.pidfd = child->pidfd;
  loop_.watch(slot.pidfd, EPOLLIN, [this, index](std::uint32_t) { on_child_readable(index); });
  return {};
}

void LocalExecutor::Impl::launch_fork(std::uint32_t index, const plan::Launch& launch) {
  Slot& slot = at(index);
  slot.is_fork = true;
  slot.state = State::kStarting;
  const std::uint64_t tag = std::uint64_t{slot.use} << 32 | index;
  forks_->fork_child(tag, index, launch.payload, slot.capture.out_fd(), slot.capture.err_fd());
  slot.capture.close_write_ends();
}

void LocalExecutor::Impl::arm_timeout(std::uint32_t index, double seconds) {
  if (seconds <= 0) return;
  at(index).timeout = loop_.after(seconds, [this, index] {
    Slot& slot = at(index);
    slot.timeout = 0;
    if (slot.asked != Asked::kNothing) return;
    ask_to_end(index, Asked::kTerminate);
    slot.exit.timed_out = slot.asked != Asked::kNothing;
  });
}

// What the kernel tells at the end says nothing of a job that is smaller than the engine.
void LocalExecutor::Impl::watch_memory(std::uint32_t index, double delay_s) {
  at(index).memory = loop_.after(delay_s, [this, index, delay_s] {
    Slot& slot = at(index);
    if (slot.pid > 0) slot.seen_kb = std::max(slot.seen_kb, os::peak_of_tree_kb(slot.pid));
    watch_memory(index, std::min(2 * delay_s, kLastLook_s));
  });
}

std::optional<std::uint32_t> LocalExecutor::Impl::take_slot() {
  if (running >= most_) return std::nullopt;
  std::uint32_t index;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    if (slots_.size() >= os::Guard::kSlots) return std::nullopt;
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(std::make_unique<Slot>(tools_));
  }
  ++at(index).use;
  return index;
}

// --- forks of the evaluator

std::optional<std::uint32_t> LocalExecutor::Impl::slot_of(std::uint64_t tag) {
  const std::uint32_t index = static_cast<std::uint32_t>(tag);
  if (index >= slots_.size() || at(index).use != tag >> 32 || !at(index).is_fork) return std::nullopt;
  return index;
}

void LocalExecutor::Impl::on_forked(std::uint64_t tag, Result<int> pid) {
  const auto index = slot_of(tag);
  if (!index) return;
  Slot& slot = at(*index);
  if (slot.state == State::kRetired) {  // too late: the attempt was reported as cancelled
    if (pid && !os::signal_group(*pid, SIGKILL)) ::kill(*pid, SIGKILL);
    return;
  }
  if (slot.state != State::kStarting) return;
  if (!pid) {
    slot.exit.status = -1;
    slot.exit.error = pid.error().to_string();
    end_later(*index);
    return;
  }
  slot.pid = *pid;
  slot.state = State::kRunning;
  if (slot.asked != Asked::kNothing) send(*index);
}

void LocalExecutor::Impl::on_fork_exit(std::uint64_t tag, int raw_wait_status, std::string error) {
  const auto index = slot_of(tag);
  if (!index) return;
  Slot& slot = at(*index);
  if (slot.state != State::kStarting && slot.state != State::kRunning) return;
  slot.exit.error = std::move(error);
  if (slot.pid < 0 && guard_ != nullptr) slot.pid = guard_->slot(*index);
  leader_ended(*index, raw_wait_status);
}

// --- the end of an attempt

void LocalExecutor::Impl::on_child_readable(std::uint32_t index) {
  Slot& slot = at(index);
  const std::optional<int> status = os::peek_status(slot.pid);
  if (!status) return;
  // While it is not reaped nobody else can have its number, so what is sent to the group reaches nobody else.
  const bool leave_alone = *status == 0 && slot.asked == Asked::kNothing;
  if (leave_alone) {
    if (auto* const place = table(index)) *place = 0;
  } else if (slot.asked != Asked::kTerminate) {
    os::signal_group(slot.pid, SIGKILL);
    slot.killed = os::monotonic_seconds();
    slot.asked = Asked::kKill;
  }
  const std::optional<os::Ended> ended = os::reap(slot.pid);
  forget_pidfd(slot);
  if (ended) {
    plan::Usage& usage = slot.exit.usage;
    usage.user_s = ended->user_s;
    usage.system_s = ended->system_s;
    usage.max_rss_kb = peak_of(*ended);
    usage.read_blocks = ended->read_blocks;
    usage.write_blocks = ended->write_blocks;
  }
  leader_ended(index, *status);
}

// 0 where it is not known: then it was not more than the engine's own.
std::int64_t LocalExecutor::Impl::peak_of(const os::Ended& ended) {
  if (ended.max_rss_kb > own_peak_kb_) own_peak_kb_ = os::own_peak_kb();
  return ended.max_rss_kb > own_peak_kb_ ? ended.max_rss_kb : 0;
}

void LocalExecutor::Impl::leader_ended(std::uint32_t index, int raw_status) {
  Slot& slot = at(index);
  slot.exit.usage.wall_s = os::monotonic_seconds() - slot.started;
  if (slot.exit.usage.max_rss_kb == 0) slot.exit.usage.max_rss_kb = slot.seen_kb;
  slot.exit.status = os::exit_code(raw_status);
  slot.exit.signal = os::exit_signal(raw_status);
  loop_.cancel(std::exchange(slot.timeout, 0));
  if (slot.asked == Asked::kKill) loop_.cancel(std::exchange(slot.grace, 0));
  const bool leave_alone = raw_status == 0 && slot.asked == Asked::kNothing;
  if (leave_alone || !os::group_exists(slot.pid)) return report(index);
  slot.state = State::kDraining;
  draining_.push_back(index);
  if (slot.asked == Asked::kNothing) ask_to_end(index, Asked::kKill);
  look_again_in(kLookAgain_s);
}

// One look for all: a run of thousands may be cancelled at once.
void LocalExecutor::Impl::look_at_groups() {
  look_timer_ = 0;
  const double now = os::monotonic_seconds();
  std::vector<int> groups;
  for (const std::uint32_t index : draining_) groups.push_back(at(index).pid);
  const std::vector<int> living = os::living_groups(std::move(groups));
  const auto is_over = [&](std::uint32_t index) {
    const Slot& slot = at(index);
    const bool patience_ends = slot.asked == Asked::kKill && now > slot.killed + kSettle_s;
    return patience_ends || !std::binary_search(living.begin(), living.end(), slot.pid);
  };
  const auto first_over = std::stable_partition(draining_.begin(), draining_.end(), std::not_fn(is_over));
  const std::vector<std::uint32_t> over(first_over, draining_.end());
  draining_.erase(first_over, draining_.end());
  if (!draining_.empty()) look_again_in(std::max(kLookAgain_s, 4 * (os::monotonic_seconds() - now)));
  for (const std::uint32_t index : over) report(index);
}

void LocalExecutor::Impl::look_again_in(double delay_s) {
  if (look_timer_ == 0) look_timer_ = loop_.after(delay_s, [this] { look_at_groups(); });
}

void LocalExecutor::Impl::end_later(std::uint32_t index) {
  at(index).state = State::kEnded;
  ended_.push_back(index);
  report_soon();
}

void LocalExecutor::Impl::report_soon() {
  if (ended_timer_ == 0) ended_timer_ = loop_.after(0, [this] { report_ended(); });
}

void LocalExecutor::Impl::report_ended() {
  ended_timer_ = 0;
  const std::vector<std::uint32_t> ended = std::exchange(ended_, {});
  for (const std::uint32_t index : ended) report(index);
  for (plan::Exit& exit : std::exchange(refused_, {})) listener->on_exit(std::move(exit));
}

void LocalExecutor::Impl::keep_output(std::uint32_t index) {
  Slot& slot = at(index);
  Capture& capture = slot.capture;
  capture.finish();
  const CapturedOutput output{.job = slot.exit.job,
                              .attempt = slot.exit.attempt,
                              .out = capture.out(),
                              .err = capture.err(),
                              .out_held = &capture.kept_out(),
                              .err_held = &capture.kept_err()};
  if (!output.out.empty() || !output.err.empty()) {
    slot.exit.output = capture.tail(plan::kKeptOutput);
    if (sink_ != nullptr) sink_->show(output);
  }
  capture.clear();
}

void LocalExecutor::Impl::report(std::uint32_t index) {
  Slot& slot = at(index);
  cancel_timers(slot);
  keep_output(index);
  if (auto* const place = table(index); place != nullptr && slot.state != State::kRetired) *place = 0;
  for (std::string* const file : {&slot.scratch, &slot.script}) {
    if (!file->empty()) ::unlink(file->c_str());
    file->clear();
  }
  plan::Exit exit = std::move(slot.exit);
  slot.pid = -1;
  slot.asked = Asked::kNothing;
  slot.step = 0;
  slot.seen_kb = 0;
  if (slot.state != State::kRetired) {
    slot.is_fork = false;
    slot.state = State::kFree;
    free_.push_back(index);
  }
  --running;
  listener->on_exit(std::move(exit));
}

// --- cancelling

void LocalExecutor::Impl::cancel_all(plan::Stop how) {
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = at(i);
    const bool lives =
        slot.state == State::kStarting || slot.state == State::kRunning || slot.state == State::kDraining;
    if (!lives) continue;
    ask_to_end(i, how == plan::Stop::kGently ? Asked::kTerminate : Asked::kKill);
    if (slot.asked != Asked::kNothing && slot.state != State::kDraining) slot.exit.cancelled = true;
  }
}

void LocalExecutor::Impl::interrupt(plan::JobId job, bool timed_out) {
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = at(i);
    if (slot.exit.job != job || slot.state != State::kRunning || slot.asked != Asked::kNothing) continue;
    ask_to_end(i, Asked::kTerminate);
    slot.exit.timed_out = timed_out && slot.asked != Asked::kNothing;
  }
}

void LocalExecutor::Impl::ask_to_end(std::uint32_t index, Asked how) {
  Slot& slot = at(index);
  if (how == Asked::kTerminate && ending_.front().signal == SIGKILL) how = Asked::kKill;
  if (how <= slot.asked) return;
  // One that has just ended by itself, unnoticed so far, is no victim of ours.
  if (slot.state == State::kRunning && !slot.is_fork && slot.asked == Asked::kNothing &&
      os::peek_status(slot.pid))
    return;
  slot.asked = how;
  send(index);
}

// Sends what has been asked for; remembers it where the pid is not known yet.
void LocalExecutor::Impl::send(std::uint32_t index) {
  Slot& slot = at(index);
  int group = slot.pid;
  if (group < 0 && guard_ != nullptr) group = guard_->slot(index).load();
  const bool kill_it = slot.asked == Asked::kKill;
  const int signal = kill_it ? SIGKILL : ending_[slot.step].signal;
  // The evaluator's answer can come before its child has made itself leader of a group.
  if (group > 1 && !os::signal_group(group, signal) && slot.is_fork && slot.state != State::kDraining) {
    ::kill(group, signal);
  }
  loop_.cancel(std::exchange(slot.grace, 0));
  if (!kill_it) {
    slot.grace = loop_.after(ending_[slot.step].wait_s, [this, index] { next_step(index); });
    return;
  }
  slot.killed = os::monotonic_seconds();
  if (slot.is_fork && slot.state != State::kDraining) {
    slot.grace = loop_.after(kSettle_s, [this, index] { give_up_on_fork(index); });
  }
}

void LocalExecutor::Impl::next_step(std::uint32_t index) {
  Slot& slot = at(index);
  slot.grace = 0;
  ++slot.step;
  if (slot.step >= ending_.size() || ending_[slot.step].signal == SIGKILL) {
    ask_to_end(index, Asked::kKill);
  } else {
    send(index);
  }
}

// The evaluator does not say how its child ended, or whether there was one; the run must not wait for it.
void LocalExecutor::Impl::give_up_on_fork(std::uint32_t index) {
  Slot& slot = at(index);
  slot.grace = 0;
  if (slot.pid < 0 && guard_ != nullptr && guard_->slot(index) > 1)
    os::signal_group(guard_->slot(index), SIGKILL);
  slot.exit.status = -1;
  slot.exit.signal = SIGKILL;
  slot.exit.usage.wall_s = os::monotonic_seconds() - slot.started;
  slot.state = State::kRetired;
  report(index);
}

// --- tidying up

void LocalExecutor::Impl::forget_pidfd(Slot& slot) {
  if (slot.pidfd < 0) return;
  loop_.forget_and_close(std::exchange(slot.pidfd, -1));
}

void LocalExecutor::Impl::cancel_timers(Slot& slot) {
  for (std::uint64_t* const timer : {&slot.timeout, &slot.grace, &slot.memory})
    loop_.cancel(std::exchange(*timer, 0));
}

void LocalExecutor::Impl::destroy(std::uint32_t index) {
  Slot& slot = at(index);
  cancel_timers(slot);
  if (slot.pid > 0) os::signal_group(slot.pid, SIGKILL);
  if (slot.pidfd >= 0) os::wait_for(slot.pid);
  forget_pidfd(slot);
  if (auto* const place = table(index); place != nullptr && slot.pid > 0) *place = 0;
  for (const std::string& file : {slot.scratch, slot.script}) {
    if (!file.empty()) ::unlink(file.c_str());
  }
}

LocalExecutor::LocalExecutor(os::EventLoop& loop, os::Guard* guard, plan::ForkService* forks,
                             OutputSink* sink, LocalOptions options)
    : impl_(std::make_unique<Impl>(loop, guard, forks, sink, std::move(options))) {}

LocalExecutor::~LocalExecutor() = default;

void LocalExecutor::set_listener(plan::ExitListener* listener) { impl_->listener = listener; }

std::size_t LocalExecutor::max_running() const { return impl_->most(); }

void LocalExecutor::start(plan::Attempt attempt) { impl_->start(std::move(attempt)); }

std::size_t LocalExecutor::running() const { return impl_->running; }

void LocalExecutor::cancel_all(plan::Stop how) { impl_->cancel_all(how); }

void LocalExecutor::interrupt(plan::JobId job, bool timed_out) { impl_->interrupt(job, timed_out); }

}  // namespace furrow::exec
