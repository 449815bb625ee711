#include "command/map_source.hpp"

#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/log.hpp"
#include "base/printable.hpp"
#include "os/files/files.hpp"

namespace furrow::command {

namespace {

constexpr std::uint16_t kWithoutEnd = 65535;
constexpr std::size_t kMostSpares = 128;

std::int64_t size_of(const plan::Launch::Stream& file) {
  struct stat info {};
  return ::fstat(*file, &info) == 0 ? info.st_size : 0;
}

plan::Launch::Stream lend(const int& fd) {
  return {&fd, [](const int*) {}};
}
const int kOutput = STDOUT_FILENO, kErrors = STDERR_FILENO;

// The status that goes into the log, as GNU parallel does it: -1 for a job that we ended ourselves.
int logged_status(const plan::Exit& exit) {
  if (exit.timed_out || (exit.status == 0 && !exit.error.empty())) return -1;
  return exit.signal != 0 ? 0 : exit.status;
}

}  // namespace

MapSource::MapSource(MapSettings settings, JobProducer& producer, Collator& collator, Joblog* log,
                     plan::JobGraph& graph, plan::Resources& resources, os::EventLoop& loop)
    : settings_(std::move(settings)),
      producer_(producer),
      collator_(collator),
      log_(log),
      graph_(graph),
      loop_(loop),
      demand_(resources.demand({1})),
      pid_(std::to_string(::getpid())),
      own_output_(lend(kOutput)),
      own_errors_(lend(kErrors)) {}

MapSource::~MapSource() { loop_.forget(watched_); }

// --- the input

bool MapSource::add_jobs(std::size_t count) {
  if (error_) return false;
  if (watched_ >= 0) return true;
  while (count > 0) {
    if (spares_.empty()) spares_.push_back(std::make_unique<MapJob>());
    std::unique_ptr<MapJob>& job = spares_.back();
    const Result<Pull> pulled = pull(*job);
    if (!pulled) error_ = pulled.error();
    if (pulled && *pulled == Pull::kEnd) {
      counts_.is_all = true;
      FURROW_LOG(command, info, "the input ends after {} jobs", counts_.read);
    }
    if (!pulled || *pulled == Pull::kEnd) return false;
    if (*pulled == Pull::kNotYet) {
      wait_for_input();
      return true;
    }
    claim_paths(*job, false);
    if (is_done_already(*job)) {
      FURROW_LOG(command, info, "input {} is skipped: an earlier run has done it", job->seq);
      ++counts_.skipped;
      continue;
    }
    const Result<bool> fresh = is_fresh(*job);
    if (!fresh) {
      error_ = fresh.error();
      return false;
    }
    if (*fresh) {
      FURROW_LOG(command, info, "input {} is skipped: its outputs are up to date", job->seq);
      ++counts_.fresh;
      continue;
    }
    graph_.add({.retries = retries_of(*job)});
    jobs_.emplace_back(std::move(job));
    spares_.pop_back();
    --count;
  }
  return true;
}

Result<Pull> MapSource::pull(MapJob& job) {
  job.seq = 0;
  job.has_key = false;
  job.refusal.clear();
  Result<Pull> pulled = producer_.next(job);
  if (!pulled || *pulled != Pull::kValue) return pulled;
  ++counts_.read;
  if (job.seq != 0) return pulled;  // it has run before and keeps its number
  job.seq = counts_.read;
  job.has_key = log_ != nullptr;
  if (log_ != nullptr) job.key = job_key(settings_.command->identity(), job.identity);
  return pulled;
}

bool MapSource::is_done_already(const MapJob& job) {
  if (settings_.resume == MapSettings::Resume::kNo) return false;
  if (log_ == nullptr) return settings_.files != nullptr && settings_.files->exist(job, context(job));
  PastJobs& past = log_->past();
  PastJobs::Before before = past.by_key(job.key);
  if (before == PastJobs::Before::kNever && past.has_keyless())
    before = past.take_command(settings_.command->render(job.values, context(job)));
  return before == PastJobs::Before::kWell ||
         (before == PastJobs::Before::kFailed && settings_.resume == MapSettings::Resume::kUnfinished);
}

// A job that was done before claims its files too: its results are not to be overwritten either.
void MapSource::claim_paths(MapJob& job, bool starts) {
  if (settings_.files != nullptr && settings_.files->uses_slot() == starts) {
    const ResultsPaths files = settings_.files->paths(job, context(job));
    const std::string paths[] = {files.out, files.err, files.seq};
    if (log_ != nullptr) log_->made_in(os::parent_of(files.out));
    if (auto claimed = claims_.claim(paths, job.seq, job.values.joined(" ")); !claimed)
      job.refusal = claimed.error().message;
  }
  if (settings_.outputs == nullptr || starts) return;
  settings_.outputs->name(job, context(job));
  if (auto claimed = claims_.claim(job.outputs, job.seq, job.values.joined(" ")); !claimed)
    job.refusal = claimed.error().message;
  if (!job.refusal.empty()) job.outputs.clear();  // they are another job's
  for (const std::string& output : job.outputs)
    if (log_ != nullptr) log_->made_in(os::parent_of(output));
}

Result<bool> MapSource::is_fresh(const MapJob& job) {
  if (settings_.outputs == nullptr || !job.refusal.empty()) return false;
  return settings_.outputs->is_fresh(job);
}

void MapSource::wait_for_input() {
  watched_ = producer_.descriptor();
  loop_.watch(watched_, EPOLLIN, [this](std::uint32_t) { loop_.forget(std::exchange(watched_, -1)); });
}

std::uint16_t MapSource::retries_of(const MapJob& job) const {
  if (settings_.retries == nullptr) return 0;
  const std::string text = settings_.retries->render(job.values, context(job));
  const long tries = std::strtol(text.c_str(), nullptr, 10);
  if (tries == 0) return kWithoutEnd;
  return static_cast<std::uint16_t>(std::clamp(tries - 1, 0L, long{kWithoutEnd}));
}

// --- JobSource, for the farm

std::vector<Result<plan::DemandId>> MapSource::demands(std::span<const plan::JobId> jobs, int /*attempt*/) {
  return std::vector<Result<plan::DemandId>>(jobs.size(), demand_);
}

RenderContext MapSource::context(const MapJob& job) const {
  RenderContext context;
  context.seq = job.seq;
  context.total = settings_.total;
  context.slot = std::max(job.slot, 1u);
  context.slots = settings_.slots;
  context.seed = job_seed(settings_.seed, job.identity);
  return context;
}

// Renders the command only now, since the slot was not known before.
Result<void> MapSource::before_start(plan::JobId id, int /*attempt*/, plan::Launch& launch) {
  MapJob& job = *jobs_[id];
  job.slot = free_slots_.take();
  const RenderContext rendering = context(job);
  const CommandTemplate& command = *settings_.command;
  job.command.clear();
  command.render(job.values, rendering, job.command);
  claim_paths(job, true);
  if (!job.refusal.empty()) return fail(job.refusal);
  if (settings_.check_command) {
    FURROW_TRY(settings_.check_command(job.command));
  }
  launch.kind = plan::Launch::Kind::kShell;
  launch.executable = settings_.shell;
  if (!command.plain_program().empty()) command.render_argv(job.values, rendering, launch.argv);
  launch.command = job.command;
  launch.nice = settings_.nice;
  launch.watch_memory = settings_.watch_memory;
  set_environment(job, launch);
  if (settings_.outputs != nullptr) {
    FURROW_TRY(settings_.outputs->before_start(job));
  }
  if (settings_.files != nullptr) {
    FURROW_TRY(settings_.files->open(job, rendering));
  }
  auto input = producer_.input(job);
  if (!input) return fail(std::move(input.error()));
  launch.input = *std::move(input);
  launch.output = settings_.uncaptured ? own_output_ : job.output;
  launch.errors = settings_.uncaptured ? own_errors_ : job.errors;
  FURROW_TRY(enter_directory(job, launch));
  std::string tag;
  if (settings_.tag != nullptr) {
    settings_.tag->render(job.values, rendering, tag);
    tag += '\t';
  }
  std::string heading = settings_.print_commands ? job.command + "\n" : std::string();
  if (settings_.to_terminal) {
    tag = printable(tag);
    heading = printable(heading);
  }
  collator_.begin(id, std::move(tag), std::move(heading));
  FURROW_LOG(command, debug, "job {} is input {} in slot {}: {}", id, job.seq, job.slot, job.command);
  if (on_start_) on_start_(job);
  return {};
}

void MapSource::set_environment(const MapJob& job, plan::Launch& launch) {
  const std::string slot = std::to_string(job.slot);
  launch.environment.reserve(4);
  launch.environment.emplace_back("PARALLEL_SEQ", std::to_string(job.seq));
  launch.environment.emplace_back("PARALLEL_PID", pid_);
  launch.environment.emplace_back("PARALLEL_JOBSLOT", slot);
  if (!settings_.slot_variable.empty())
    launch.environment.emplace_back(settings_.slot_variable, std::to_string(job.slot - 1));
}

Result<void> MapSource::enter_directory(const MapJob& job, plan::Launch& launch) {
  if (settings_.directory == nullptr) return {};
  settings_.directory->render(job.values, context(job), launch.directory);
  if (!made_directories_.insert(launch.directory).second) return {};
  if (log_ != nullptr) log_->made_in(launch.directory);
  return os::make_directories(launch.directory);
}

Result<void> MapSource::on_success(const plan::Exit& exit) {
  if (exit.timed_out) return fail("it took longer than --timeout allows");
  if (collator_.is_incomplete(exit.job)) return fail("its output could not be kept: the disk is full");
  if (settings_.outputs != nullptr) {
    FURROW_TRY(settings_.outputs->on_success(*jobs_[exit.job], exit));
  }
  producer_.ended(*jobs_[exit.job]);
  note(*jobs_[exit.job], exit);
  collator_.end(exit.job, true);
  ended(exit.job);
  return {};
}

void MapSource::on_failure(const plan::Exit& exit, bool will_retry) {
  MapJob& job = *jobs_[exit.job];
  producer_.ended(job);
  if (!job.outputs.empty()) settings_.outputs->on_failure(job, exit);
  if (will_retry) {
    collator_.again(exit.job);
    give_back_slot(job);
    return;
  }
  if (!exit.cancelled) note(job, exit);
  collator_.end(exit.job, !exit.cancelled);
  ended(exit.job);
}

// Records the job in the log and in the table of results.
void MapSource::note(const MapJob& job, const plan::Exit& exit) {
  if (log_ == nullptr && settings_.table == nullptr) return;
  LogEntry entry;
  entry.seq = job.seq;
  entry.key = job.key;
  entry.has_key = job.has_key;
  entry.started_at = exit.started_at;
  entry.wall_s = exit.usage.wall_s;
  entry.sent = job.input_size;
  entry.received = job.output ? size_of(job.output) : collator_.out_size(exit.job);
  entry.status = logged_status(exit);
  entry.signal = exit.signal;
  entry.command = job.command;
  entry.user_s = exit.usage.user_s;
  entry.system_s = exit.usage.system_s;
  entry.max_rss_kb = exit.usage.max_rss_kb;
  if (log_ != nullptr) {
    Unlogged& line = unlogged_[exit.job];
    line = {entry, job.command};
    line.entry.command = line.command;
  }
  if (settings_.table == nullptr) return;
  collator_.print(settings_.table->header(job.values.size()));
  collator_.rewrite(exit.job, [&](const os::SpillView& out, const os::SpillView& err, os::Spill& row) {
    settings_.table->add(entry, job.values, out, err, row);
  });
}

void MapSource::give_back_slot(MapJob& job) {
  if (job.slot != 0) free_slots_.give_back(std::exchange(job.slot, 0));
}

void MapSource::ended(plan::JobId id) {
  give_back_slot(*jobs_[id]);
  ended_.push_back(id);
}

Result<void> MapSource::commit() {
  for (const plan::JobId id : ended_) {
    MapJob& job = *jobs_[id];
    job.block = Block();
    job.output.reset();
    job.errors.reset();
    if (spares_.size() < kMostSpares) spares_.push_back(std::move(jobs_[id]));
    jobs_.erase(id);
  }
  ended_.clear();
  if (settings_.outputs != nullptr) {
    FURROW_TRY(settings_.outputs->commit());
  }
  return log_delivered();
}

Result<void> MapSource::log_delivered() {
  const std::vector<plan::JobId> delivered = collator_.take_delivered();
  if (log_ == nullptr) return {};
  for (const plan::JobId id : delivered) {
    if (const auto line = unlogged_.extract(id)) log_->add(line.mapped().entry);
  }
  return log_->commit();
}

Result<void> MapSource::finish() {
  collator_.finish();
  return log_delivered();
}

plan::JobName MapSource::name(plan::JobId id) const {
  return {settings_.command->text(), job(id).values.joined(" ")};
}

}  // namespace furrow::command
