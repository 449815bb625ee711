#include "exec/ranks/rank_runner.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "os/events/clock.hpp"
#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

constexpr int kRoot = 0;
constexpr std::size_t kOutputWindow = std::size_t{4} << 20;  // bytes
constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kFullMessage = 256 * 1024;
constexpr unsigned kWait_us = 50;
// Between two looks for messages: MPI has nothing to sleep on.
constexpr double kBusy_s = 0.001, kIdle_s = 0.005, kIdleAfter_s = 0.2;
constexpr double kSignalPatience_s = 0.5;
constexpr double kCheckEvery_s = 0.5;

// What tells of a node and not of the run: the node's own.
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

// As rank 0's, but for what is this node's own.
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

RankRunner::RankRunner(channel::Post& post, os::Guard& guard, MakeForks forks, std::function<void()> check)
    : post_(post), guard_(guard), make_forks_(std::move(forks)), check_(std::move(check)) {}

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
    for (const std::string& message : deferred) for_each_record(message, use);
    const auto letter = deferred_.empty() ? post_.receive() : std::nullopt;
    if (letter) for_each_record(letter->message, use);
    any |= letter.has_value() || !deferred.empty();
    if (!letter && deferred_.empty()) return any;
  }
}

void RankRunner::take(const RankRecordHead& head, std::string_view payload) {
  if (head.kind == RankRecord::kTaken) {
    under_way_ -= std::min<std::size_t>(number_from(payload), under_way_);
    return;
  }
  if (head.kind == RankRecord::kSetup) return set_up(head.run, payload);
  if (head.kind == RankRecord::kLeave) {
    close();
    out_.add(RankRecord::kLeft, 0);
    flush();
    is_over_ = true;
    return;
  }
  if (head.run != run_ || !local_) return;
  switch (head.kind) {
    case RankRecord::kStart:
      return enqueue(head.ticket, payload);
    case RankRecord::kInput:
      if (RankInputWriter* const input = input_of(head.ticket)) input->write(payload);
      return;
    case RankRecord::kInputEnd:
      if (RankInputWriter* const input = input_of(head.ticket)) input->end();
      return;
    case RankRecord::kInterrupt:
      return interrupt(head.ticket, number_from(payload) != 0);
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
  if (!setup_.evaluator.load.empty()) forks_ = make_forks_(setup_.evaluator, *loop_, guard_);
  // Where the folder is not there, each job says so, and none runs in another.
  if (!os::change_directory(setup_.directory)) (void)os::change_directory("/");
  local_ =
      std::make_unique<LocalExecutor>(*loop_, &guard_, forks_.get(), this,
                                      LocalOptions{.ending = setup_.ending, .scratch = scratch_folder()});
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

void RankRunner::enqueue(std::uint64_t ticket, std::string_view text) {
  auto held = std::make_unique<Held>(Held{ticket, read_start(text)});
  if (held->start.has_input) {
    held->input = std::make_unique<RankInputWriter>(*loop_, [this, ticket](std::size_t bytes) {
      out_.add(RankRecord::kRead, run_, ticket, as_bytes(bytes));
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

RankInputWriter* RankRunner::input_of(std::uint64_t ticket) {
  for (const auto& [job, held] : running_) {
    if (held->ticket == ticket) return held->input.get();
  }
  for (const auto& held : queue_) {
    if (held->ticket == ticket) return held->input.get();
  }
  return nullptr;
}

void RankRunner::interrupt(std::uint64_t ticket, bool timed_out) {
  for (const auto& [job, held] : running_) {
    if (held->ticket == ticket) return local_->interrupt(job, timed_out);
  }
}

// Gives back what has not begun, but for jobs whose input has come already.
void RankRunner::recall() {
  for (auto& held : std::exchange(queue_, {})) {
    if (held->input) {
      queue_.push_back(std::move(held));
    } else {
      out_.add(RankRecord::kReturned, run_, held->ticket);
    }
  }
}

void RankRunner::cancel(plan::Stop how) {
  is_cancelled_ = true;
  if (signal_timer_ != 0) loop_->cancel(std::exchange(signal_timer_, 0));
  for (const auto& held : std::exchange(queue_, {})) {
    report(held->ticket, {.status = -1, .cancelled = true, .started_at = os::wall_seconds()});
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
  report(held->ticket, exit);
}

void RankRunner::report(std::uint64_t ticket, const plan::Exit& exit) {
  out_.add(RankRecord::kExit, run_, ticket, write_exit(exit));
}

// --- output

void RankRunner::show(const CapturedOutput& output) {
  for (const auto& [stream, is_err] : {std::pair(&output.out, false), std::pair(&output.err, true)}) {
    os::for_each_piece(*stream, [&, is_error = is_err](std::string_view piece) {
      on_piece(output.job, is_error, piece);
      return true;
    });
  }
}

void RankRunner::on_piece(plan::JobId job, bool is_err, std::string_view piece) {
  while (!piece.empty()) {
    send_output(job, is_err, piece.substr(0, kPiece));
    piece.remove_prefix(std::min(kPiece, piece.size()));
  }
}

void RankRunner::send_output(plan::JobId job, bool is_err, std::string_view piece) {
  const auto found = running_.find(job);
  if (found == running_.end()) return;
  while (under_way_ > 0 && under_way_ + piece.size() > kOutputWindow) wait_for_room();
  under_way_ += piece.size();
  out_.add(is_err ? RankRecord::kErr : RankRecord::kOut, run_, found->second->ticket, piece);
  if (out_.size() > kFullMessage) flush();
}

// Rank 0 takes what is under way, whatever else it does. What it says otherwise is for later.
void RankRunner::wait_for_room() {
  flush();
  auto letter = post_.receive();
  if (!letter) {
    ::usleep(kWait_us);
    return check_();
  }
  bool is_all_taken = true;
  for_each_record(letter->message, [&](const RankRecordHead& head, std::string_view payload) {
    if (head.kind == RankRecord::kTaken) {
      take(head, payload);
    } else {
      is_all_taken = false;
    }
  });
  if (is_all_taken) return;
  RankRecords others;
  for_each_record(letter->message, [&](const RankRecordHead& head, std::string_view payload) {
    if (head.kind != RankRecord::kTaken) others.add(head.kind, head.run, head.ticket, payload);
  });
  deferred_.emplace_back(others.bytes());
}

void RankRunner::flush() {
  if (out_.empty()) return;
  post_.send(kRoot, out_.bytes());
  out_.clear();
}

// The launcher tells all ranks, and rank 0 answers by cancelling. If it does not, it does not know.
void RankRunner::signalled(int signal) {
  if (is_cancelled_ || signal_timer_ != 0) return;
  signal_timer_ = loop_->after(kSignalPatience_s, [this, signal] {
    signal_timer_ = 0;
    out_.add(RankRecord::kSignal, run_, 0, as_bytes(static_cast<std::uint64_t>(signal)));
  });
}

}  // namespace furrow::exec
