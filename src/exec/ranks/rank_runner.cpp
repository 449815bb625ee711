#include "exec/ranks/rank_runner.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

constexpr int kRoot = 0;
constexpr std::size_t kOutputWindow = std::size_t{4} << 20;  // bytes
constexpr std::size_t kFragmentBytes = 64 * 1024;
constexpr std::size_t kFullMessage = 256 * 1024;
constexpr unsigned kWait_us = 50;
// The time between two looks for messages: MPI offers nothing to sleep on.
constexpr double kBusy_s = 0.001, kIdle_s = 0.005, kIdleAfter_s = 0.2;
constexpr double kSignalPatience_s = 0.5;
constexpr double kCheckEvery_s = 0.5;

// Variables that describe the node and not the run: each rank keeps its own.
bool is_of_the_node(std::string_view name) {
  for (const std::string_view own :
       {"HOSTNAME", "SLURMD_NODENAME", "SLURM_TOPOLOGY_ADDR", "SLURM_CPUS_ON_NODE", "SLURM_JOB_GPUS",
        "SLURM_STEP_GPUS", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK",
        "GPU_DEVICE_ORDINAL", "PWD"}) {
    if (name == own) return true;
  }
  return false;
}

bool is_missing_folder(std::string_view name, const std::string& value) {
  for (const std::string_view folder : {"TMPDIR", "TMP", "TEMPDIR", "TEMP"}) {
    if (name == folder) return os::status(value).kind != os::FileStatus::Kind::kDirectory;
  }
  return false;
}

// Takes over rank 0's environment, except for the variables that describe the node.
void take_environment(const std::vector<std::string>& theirs) {
  std::vector<std::string> own;
  for (char** entry = environ; *entry != nullptr; ++entry) own.emplace_back(*entry);
  ::clearenv();
  const auto set = [](const std::string& entry, bool of_the_node) {
    const std::size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    if (equals == std::string::npos || is_of_the_node(name) != of_the_node) return;
    const std::string value = entry.substr(equals + 1);
    if (!is_missing_folder(name, value)) ::setenv(name.c_str(), value.c_str(), 1);
  };
  for (const std::string& entry : theirs) set(entry, false);
  for (const std::string& entry : own) set(entry, true);
}

std::string scratch_folder() {
  const char* const folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

}  // namespace

RankRunner::RankRunner(channel::Transport& transport, os::Watchdog& watchdog, MakeForks forks,
                       std::function<void()> check)
    : transport_(transport), watchdog_(watchdog), make_forks_(std::move(forks)), check_(std::move(check)) {}

RankRunner::~RankRunner() { close(); }

void RankRunner::serve(os::EventLoop& loop) {
  loop_ = &loop;
  double last_news = os::monotonic_seconds(), last_check = last_news;
  while (!is_over_) {
    const double now = os::monotonic_seconds();
    if (receive()) last_news = now;
    start_what_fits();
    flush();
    if (now - last_check > kCheckEvery_s) {
      check_();
      last_check = now;
    }
    if (!is_over_ && loop.run_once(now - last_news > kIdleAfter_s ? kIdle_s : kBusy_s)) last_news = now;
  }
}

bool RankRunner::receive() {
  bool any = false;
  const auto use = [this](const RankRecordHead& head, std::string_view payload) { take(head, payload); };
  for (;;) {
    // Taking a record may make the rank wait for room, and defer more.
    std::vector<std::string> deferred = std::exchange(deferred_, {});
    for (const std::string& message : deferred) for_each_rank_record(message, use);
    const auto received = deferred_.empty() ? transport_.receive() : std::nullopt;
    if (received) for_each_rank_record(received->message, use);
    any |= received.has_value() || !deferred.empty();
    if (!received && deferred_.empty()) return any;
  }
}

void RankRunner::take(const RankRecordHead& head, std::string_view payload) {
  if (head.kind == RankRecord::kTaken) {
    in_flight_ -= std::min<std::size_t>(number_from(payload), in_flight_);
    return;
  }
  if (head.kind == RankRecord::kSetup) return set_up(head.run, payload);
  if (head.kind == RankRecord::kShutdown) {
    close();
    out_.add(RankRecord::kShutdownDone, 0);
    flush();
    is_over_ = true;
    return;
  }
  if (head.run != run_ || !local_) return;
  switch (head.kind) {
    case RankRecord::kStart:
      return enqueue(head.request_id, payload);
    case RankRecord::kInput:
      if (RankInputWriter* const input = input_of(head.request_id)) input->write(payload);
      return;
    case RankRecord::kInputEnd:
      if (RankInputWriter* const input = input_of(head.request_id)) input->end();
      return;
    case RankRecord::kInterrupt:
      return interrupt(head.request_id, number_from(payload) != 0);
    case RankRecord::kRecall:
      return recall();
    case RankRecord::kCancel:
      return cancel(number_from(payload) != 0 ? plan::Stop::kAtOnce : plan::Stop::kGently);
    case RankRecord::kClose:
      return close();
    default:
      return;
  }
}

void RankRunner::set_up(std::uint32_t run, std::string_view text) {
  close();
  run_ = run;
  setup_ = read_setup(text);
  take_environment(setup_.environment);
  FURROW_LOG(ranks, info, "this rank serves run {} in {}: {} cores, {} MB", run, setup_.directory,
             setup_.cores, setup_.memory_mb);
  if (!setup_.evaluator.load.empty()) forks_ = make_forks_(setup_.evaluator, *loop_, watchdog_);
  // If the folder is missing here, each job fails and says so: none runs in another folder.
  if (!os::change_directory(setup_.directory)) (void)os::change_directory("/");
  local_ = std::make_unique<LocalExecutor>(
      *loop_, &watchdog_, forks_.get(), this,
      LocalOptions{
          .ending = setup_.ending, .run = setup_.run_id, .has_table = false, .scratch = scratch_folder()});
  local_->set_listener(this);
}

void RankRunner::close() {
  local_.reset();
  forks_.reset();
  queue_.clear();
  running_.clear();
  cores_used_ = memory_used_ = 0;
  is_cancelled_ = false;
  if (signal_timer_ != 0) loop_->cancel(std::exchange(signal_timer_, 0));
}

// --- attempts

void RankRunner::enqueue(std::uint64_t request_id, std::string_view text) {
  auto held = std::make_unique<Held>(Held{request_id, read_start(text)});
  if (held->start.has_input) {
    held->input = std::make_unique<RankInputWriter>(*loop_, [this, request_id](std::size_t bytes) {
      out_.add(RankRecord::kRead, run_, request_id, as_bytes(bytes));
    });
    held->start.launch.input = held->input->take_read_end();
  }
  queue_.push_back(std::move(held));
  if (is_cancelled_) cancel(plan::Stop::kGently);
}

void RankRunner::start_what_fits() {
  while (!queue_.empty()) {
    const RankStart& next = queue_.front()->start;
    const bool fits = cores_used_ + next.cores <= setup_.cores &&
                      (setup_.memory_mb == 0 || memory_used_ + next.memory_mb <= setup_.memory_mb);
    if (!fits && !running_.empty()) return;
    std::unique_ptr<Held> held = std::move(queue_.front());
    queue_.pop_front();
    start(std::move(held));
  }
}

void RankRunner::start(std::unique_ptr<Held> held) {
  const plan::JobId job = next_job_++;
  cores_used_ += held->start.cores;
  memory_used_ += held->start.memory_mb;
  plan::Launch launch = std::move(held->start.launch);
  fill_node_folder(launch, node_folder_);
  std::erase_if(launch.environment,
                [](const auto& entry) { return is_missing_folder(entry.first, entry.second); });
  if (launch.directory.empty()) {
    launch.directory = setup_.directory;
  } else if (launch.directory.front() != '/') {
    launch.directory = setup_.directory + "/" + launch.directory;
  }
  const double timeout_s = held->start.timeout_s;
  running_.emplace(job, std::move(held));
  local_->start({.job = job, .number = 1, .launch = std::move(launch), .timeout_s = timeout_s});
}

RankInputWriter* RankRunner::input_of(std::uint64_t request_id) {
  for (const auto& [job, held] : running_) {
    if (held->request_id == request_id) return held->input.get();
  }
  for (const auto& held : queue_) {
    if (held->request_id == request_id) return held->input.get();
  }
  return nullptr;
}

void RankRunner::interrupt(std::uint64_t request_id, bool timed_out) {
  for (const auto& [job, held] : running_) {
    if (held->request_id == request_id) return local_->interrupt(job, timed_out);
  }
}

// Gives back the jobs that have not begun, except those with standard input, which rank 0 has sent already.
void RankRunner::recall() {
  for (auto& held : std::exchange(queue_, {})) {
    if (held->input) {
      queue_.push_back(std::move(held));
    } else {
      out_.add(RankRecord::kReturned, run_, held->request_id);
    }
  }
}

void RankRunner::cancel(plan::Stop how) {
  is_cancelled_ = true;
  if (signal_timer_ != 0) loop_->cancel(std::exchange(signal_timer_, 0));
  for (const auto& held : std::exchange(queue_, {})) {
    report(held->request_id, {.status = -1, .cancelled = true, .started_at = os::wall_seconds()});
  }
  local_->cancel_all(how);
}

void RankRunner::on_exit(plan::Exit exit) {
  const auto found = running_.find(exit.job);
  if (found == running_.end()) return;
  const std::unique_ptr<Held> held = std::move(found->second);
  running_.erase(found);
  cores_used_ -= held->start.cores;
  memory_used_ -= held->start.memory_mb;
  report(held->request_id, exit);
}

void RankRunner::report(std::uint64_t request_id, const plan::Exit& exit) {
  out_.add(RankRecord::kExit, run_, request_id, write_exit(exit));
}

// --- output

void RankRunner::show(const CapturedOutput& output) {
  for (const auto& [stream, is_err] : {std::pair(&output.out, false), std::pair(&output.err, true)}) {
    os::for_each_fragment(*stream, [&, is_error = is_err](std::string_view data) {
      on_output(output.job, is_error, data);
      return true;
    });
  }
}

void RankRunner::on_output(plan::JobId job, bool is_err, std::string_view data) {
  while (!data.empty()) {
    send_output(job, is_err, data.substr(0, kFragmentBytes));
    data.remove_prefix(std::min(kFragmentBytes, data.size()));
  }
}

void RankRunner::send_output(plan::JobId job, bool is_err, std::string_view data) {
  const auto found = running_.find(job);
  if (found == running_.end()) return;
  while (in_flight_ > 0 && in_flight_ + data.size() > kOutputWindow) wait_for_room();
  in_flight_ += data.size();
  out_.add(is_err ? RankRecord::kErr : RankRecord::kOut, run_, found->second->request_id, data);
  if (out_.size() > kFullMessage) flush();
}

// Waits until rank 0 confirms output, which it always does. Its other records are deferred.
void RankRunner::wait_for_room() {
  flush();
  auto received = transport_.receive();
  if (!received) {
    ::usleep(kWait_us);
    return check_();
  }
  bool is_all_taken = true;
  for_each_rank_record(received->message, [&](const RankRecordHead& head, std::string_view payload) {
    if (head.kind == RankRecord::kTaken) {
      take(head, payload);
    } else {
      is_all_taken = false;
    }
  });
  if (is_all_taken) return;
  RankRecords others;
  for_each_rank_record(received->message, [&](const RankRecordHead& head, std::string_view payload) {
    if (head.kind != RankRecord::kTaken) others.add(head.kind, head.run, head.request_id, payload);
  });
  deferred_.emplace_back(others.bytes());
}

void RankRunner::flush() {
  if (out_.empty()) return;
  transport_.send(kRoot, out_.bytes());
  out_.clear();
}

// The launcher sends a signal to all ranks, and rank 0 then cancels. If it does not do so soon, only this
// rank got the signal, and rank 0 is informed.
void RankRunner::signalled(int signal) {
  if (is_cancelled_ || signal_timer_ != 0) return;
  signal_timer_ = loop_->after(kSignalPatience_s, [this, signal] {
    signal_timer_ = 0;
    out_.add(RankRecord::kSignal, run_, 0, as_bytes(static_cast<std::uint64_t>(signal)));
  });
}

}  // namespace furrow::exec
