#include "cli/map/map_command_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/strings.hpp"
#include "cli/map/map_cluster.hpp"
#include "cli/map/map_command.hpp"
#include "cli/map/map_producer.hpp"
#include "cli/report_error.hpp"
#include "command/template/shell_text.hpp"
#include "exec/executor_table.hpp"
#include "os/cores/cores.hpp"
#include "os/events/signals.hpp"
#include "os/files/files.hpp"
#include "os/terminal/shown.hpp"
#include "store/lock.hpp"

namespace furrow::cli {

namespace {

constexpr int kError = 255;
constexpr int kSignalled = 128;
constexpr double kWaitForWatchdog_s = 20;
constexpr std::size_t kLookAhead = 64;  // how many jobs to read before they can start

std::string scratch_folder(const MapCommandOptions& options) {
  if (!options.temporary_directory.empty()) return options.temporary_directory;
  const char* const folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

command::HaltRule rule_of(const Halt& halt) {
  command::HaltRule rule;
  rule.when = static_cast<command::HaltRule::When>(halt.when);
  rule.why = static_cast<command::HaltRule::Why>(halt.why);
  rule.limit = halt.limit;
  rule.percent = halt.percent;
  return rule;
}

exec::LocalOptions executor_options(const MapCommandOptions& options, unsigned slots,
                                    const std::string& folder) {
  exec::LocalOptions local;
  local.max_running = slots;
  local.scratch = folder;
  for (const SignalStep& step : options.term_sequence) local.ending.push_back({step.signal, step.wait_s});
  return local;
}

// The path of a file that the shell has opened; empty if it is none.
std::string file_of(int fd) {
  std::array<char, 4096> path;
  const ssize_t n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  return n > 0 && path[0] == '/' ? std::string(path.data(), static_cast<std::size_t>(n)) : std::string();
}

bool is_closed(int fd) {
  pollfd looked{fd, 0, 0};
  return ::poll(&looked, 1, 0) > 0 && (looked.revents & POLLERR) != 0;
}

}  // namespace

MapCommandRun::MapCommandRun(MapCommandOptions options, RankSession* ranks)
    : options_(std::move(options)), ranks_(ranks), folder_(scratch_folder(options_)), out_(1), err_(2) {}

int MapCommandRun::run() {
  if (auto prepared = prepare(); !prepared) {
    report_error(prepared.error());
    return kError;
  }
  return conclude(run_jobs());
}

Result<void> MapCommandRun::prepare() {
  FURROW_TRY(check_map_cluster(options_));
  if (ranks_) {
    FURROW_TRY(check_map_ranks(options_));
  }
  const bool may_go_by_results = options_.results && !options_.retry_failed;
  if (goes_on() && !options_.joblog && !may_go_by_results)
    return fail(Error{"--resume, --resume-failed and --retry-failed need a log of the jobs that ran before",
                      "", 0, "Add --joblog FILE, or --results FOLDER."});
  if (options_.retry_failed) {
    FURROW_TRY(check_log_to_retry(options_));
    FURROW_TRY(open_log());
    FURROW_TRY(take_failed_jobs());
  }
  auto plan = FURROW_TRY(plan_map(options_, ranks_));
  plan_ = std::move(plan);
  if (plan_.inputs) names_ = plan_.inputs->names();
  if (options_.joblog && !log_) {
    FURROW_TRY(open_log());
  }
  if (options_.results) {
    FURROW_TRY(open_results());
  }
  if (!producer_) {
    FURROW_TRY(open_producer());
  }
  halt_.emplace(rule_of(options_.halt), plan_.total.value_or(0));
  if (!options_.outputs.empty()) {
    FURROW_TRY(open_store());
  }
  if (!options_.trace.empty()) trace_ = FURROW_TRY(JobTrace::create(options_.trace, "furrow map"));
  return start_watchdog();
}

// All runs in one folder record their outputs in the same store.
Result<void> MapCommandRun::open_store() {
  auto store = FURROW_TRY(store::Store::open_alone(kStoreFolder, kWaitForWatchdog_s));
  store_ = std::move(store);
  report_ended(store_->ended_survivors());
  FURROW_TRY(store_->count_records());
  if (store_->has_lost_records())
    say("furrow map: warning: the store .furrow has lost records, or some are damaged: outputs without a "
        "record are "
        "made again, since nothing says that they are whole");
  outputs_.emplace(plan_.command, plan_.outputs, *store_);
  return {};
}

// Starts the watchdog, which keeps our locks: the next run waits for them until no job of ours is left.
Result<void> MapCommandRun::start_watchdog() {
  std::vector<int> kept;
  const int mark = log_ && log_->keys().is_open() ? log_->keys().mark_fd() : -1;
  std::vector<int> locks = store_ ? store_->lock_fds() : std::vector<int>();
  if (mark >= 0 && log_->keys().other_lock_fd() >= 0) locks.push_back(log_->keys().other_lock_fd());
  if (mark >= 0) kept.insert(kept.end(), {log_->keys().fd(), mark});
  kept.insert(kept.end(), locks.begin(), locks.end());
  watchdog_ = FURROW_TRY(os::Watchdog::create(run_id_));
  std::function<void()> on_ended;
  if (!kept.empty()) {
    on_ended = [mark, locks] {
      if (mark >= 0) command::KeyFile::end_jobs(mark);
      for (const int lock : locks) store::FolderLock::end_jobs(lock);
    };
  }
  const auto on_beat = [locks] { std::for_each(locks.begin(), locks.end(), store::FolderLock::beat); };
  FURROW_TRY(watchdog_->watch(kept, on_ended, on_beat));
  if (mark >= 0) {
    report_ended(log_->keys().ended());
    FURROW_TRY(log_->begin_jobs(run_id_, watchdog_->pid()));
    log_->made_in(file_of(STDOUT_FILENO));
  }
  if (!store_) return {};
  FURROW_TRY(store_->expect({}, true));
  return store_->begin_jobs(run_id_, watchdog_->pid());
}

Result<void> MapCommandRun::open_producer() {
  auto producer = FURROW_TRY(cli::open_producer(options_, plan_, plan_.needs_identities || log_));
  stream_ = std::move(producer.stream);
  producer_ = std::move(producer.jobs);
  return {};
}

Result<void> MapCommandRun::open_log() {
  auto log = command::Joblog::open({.path = *options_.joblog,
                                    .append = options_.joblog_append,
                                    .go_on = goes_on(),
                                    .with_usage = options_.joblog_usage});
  if (!log) return fail(std::move(log.error()));
  log_ = *std::move(log);
  return {};
}

Result<void> MapCommandRun::open_results() {
  const std::string& name = *options_.results;
  command::ResultsTable::Format format;
  if (!command::ResultsTable::is_table(name, format)) {
    files_.emplace(*plan_.results, names_);
    return {};
  }
  options_.grouping = MapCommandOptions::Grouping::kGroup;
  if (name.find_first_not_of('-') == name.rfind('.')) {  // "-.csv": standard output
    table_.emplace(format, names_);
    return {};
  }
  // A run that goes on keeps the rows that are there.
  const int how = goes_on() ? O_APPEND : O_TRUNC;
  const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0666);
  if (fd < 0) return fail(system_error("cannot write " + name));
  table_.emplace(format, names_, os::status(name).size > 0);
  table_file_.emplace(fd);
  out_ = exec::StreamWriter(fd);
  return {};
}

// Takes the failed jobs' commands unchanged from the log; the command and inputs of this command line do not
// count.
Result<void> MapCommandRun::take_failed_jobs() {
  for (const command::FailedJob& job : log_->failed()) {
    if (job.sent > 0)
      return fail(Error{"job " + std::to_string(job.seq) + " of " + *options_.joblog +
                            " read a block of the input, which the log does not have",
                        "", 0, "Use --resume-failed, with the same command and input."});
  }
  producer_ = std::make_unique<command::FailedJobProducer>(log_->failed());
  options_.command.clear();
  options_.inputs = {};
  options_.inputs.sources.push_back({});
  options_.batches = {};
  options_.templates = {};
  options_.templates.quote = false;
  options_.templates.append_value = true;
  options_.total_jobs = log_->failed().size();
  return {};
}

command::MapSettings MapCommandRun::settings() {
  const auto address = [](const std::optional<command::CommandTemplate>& text) {
    return text ? &*text : nullptr;
  };
  command::MapSettings settings;
  settings.command = &plan_.command;
  settings.tag = address(plan_.tag);
  settings.directory = address(plan_.directory);
  settings.retries = options_.retries == "1" ? nullptr : address(plan_.retries);
  settings.files = files_ ? &*files_ : nullptr;
  settings.table = table_ ? &*table_ : nullptr;
  settings.outputs = outputs_ ? &*outputs_ : nullptr;
  settings.slots = plan_.slots;
  settings.total = plan_.total.value_or(0);
  settings.seed = options_.seed;
  settings.shell = plan_.shell.path;
  settings.check_command = [this](const std::string& command) { return check_command(command); };
  settings.slot_variable = options_.slot_variable;
  settings.nice = options_.nice;
  settings.watch_memory = options_.joblog_usage;
  settings.print_commands = options_.print_commands;
  settings.to_terminal = ::isatty(1) != 0;
  settings.uncaptured = options_.grouping == MapCommandOptions::Grouping::kNone && !files_;
  using Resume = command::MapSettings::Resume;
  if (!options_.retry_failed)
    settings.resume = options_.resume_failed ? Resume::kFailed
                      : options_.resume      ? Resume::kUnfinished
                                             : Resume::kNo;
  return settings;
}

// Values may be commands: only now is it known what they say.
Result<void> MapCommandRun::check_command(const std::string& command) {
  if (!command::redirects_both(command)) return {};
  if (!loses_output_) loses_output_ = runs_in_background(plan_.shell.path);
  return *loses_output_ ? fail(background_error(plan_.shell.path)) : Result<void>();
}

command::CollatorOptions MapCommandRun::collator_options() {
  return {.keep_order = options_.keep_order,
          .by_line = options_.grouping == MapCommandOptions::Grouping::kLine,
          .folder = folder_,
          .before_output =
              [this] {
                if (progress_) progress_->before_output();
              },
          .on_closed = [this] { output_closed(); }};
}

std::unique_ptr<plan::Executor> MapCommandRun::executor_on_ranks(os::EventLoop& loop, plan::Executor& local,
                                                                 exec::OutputSink& sink) const {
  exec::MpiOptions options;
  options.shares = plan_.shares;
  options.has_streams = files_.has_value() || options_.grouping == MapCommandOptions::Grouping::kNone;
  // Jobs sent ahead have no slot yet, which {%} needs; and the time limit starts when a job does.
  if (plan_.command.uses_slot() || options_.timeout_percent != 0) options.ahead_s = 0;
  options.ending = executor_options(options_, 1, folder_).ending;
  options.run = run_id_;
  options.scratch = folder_;
  exec::ExecutorContext context{.loop = loop, .sink = &sink};
  context.local = &local;
  context.ranks = &ranks_->rank_set();
  context.mpi_options = std::move(options);
  return exec::make_executor("mpi", options_.executor, std::move(context));
}

// Waiting blocks cost memory, waiting values almost none.
std::size_t MapCommandRun::look_ahead() const {
  return options_.pipe == MapCommandOptions::Pipe::kPipe ? plan_.slots
                                                         : std::max<std::size_t>(kLookAhead, plan_.slots);
}

farm::Summary MapCommandRun::run_jobs() {
  os::EventLoop loop;
  const os::SignalWatch signals(loop, os::not_ignored({SIGINT, SIGTERM, SIGHUP}), [&](int signal) {
    if (farm_ != nullptr) farm_->stop(signal);
  });
  plan::JobGraph graph;
  plan::Resources resources;
  plan::Budget budget;
  const std::int64_t ahead = ranks_ ? exec::MpiExecutor::most_ahead(plan_.shares) : 0;
  budget.set_limit(plan::kCores, plan_.slots + ahead);

  command::Collator collator(out_, err_, collator_options());
  command::MapSource source(settings(), *producer_, collator, log_.get(), graph, resources, loop);
  if (options_.print_commands_to_err && !options_.quiet) say(plan_.shell.line());
  if (options_.print_commands_to_err)
    source.on_start([this](const command::MapJob& job) { say(job.command); });
  exec::ExecutorContext context{.loop = loop, .sink = &collator, .watchdog = watchdog_.get()};
  context.local_options = executor_options(options_, plan_.slots, folder_);
  context.local_options.run = run_id_;
  const auto local = exec::make_executor("local", options_.executor, std::move(context));
  std::unique_ptr<plan::Executor> on_ranks;
  if (ranks_) on_ranks = executor_on_ranks(loop, *local, collator);
  std::optional<MapCluster> cluster;
  if (options_.executor.is_cluster()) {
    cluster.emplace(options_, source, log_.get(), loop, collator, folder_);
    if (auto adopted = cluster->adopt(); !adopted) return {.error = std::move(adopted.error())};
  }
  plan::Executor& own = on_ranks ? *on_ranks : *local;
  plan::Executor& executor = cluster ? cluster->executor() : own;
  const double cores = os::usable_cores().physical;
  throttle_ = std::make_unique<StartThrottle>(
      StartThrottleOptions{.delay_s = options_.delay_s,
                           .delay_auto = options_.delay_auto,
                           .load = options_.load
                                       ? std::optional(options_.load->of(static_cast<unsigned>(cores)))
                                       : std::nullopt,
                           .memfree = options_.memfree},
      executor, loop);
  if (options_.timeout_percent > 0)
    timeouts_ = std::make_unique<MapTimeouts>(options_.timeout_percent, executor, loop);
  const bool is_throttled = options_.delay_s > 0 || options_.load || options_.memfree > 0;
  farm::Farm farm(graph, resources, std::move(budget), executor, source, loop,
                  {.keep_going = true,
                   .lookahead = look_ahead(),
                   .timeout_s = options_.timeout_s,
                   .leaves_on_hangup = log_ != nullptr,  // --resume finds the jobs by their log
                   .erase_ended = true,
                   .throttle = is_throttled ? throttle_.get() : nullptr});
  progress_ = std::make_unique<MapProgress>(options_, plan_, source, names_, loop);
  farm.add_sink(this);
  farm.add_sink(progress_.get());
  if (trace_) {
    trace_->follow(source, {});
    farm.add_sink(trace_.get());
  }
  farm_ = &farm;
  source_ = &source;
  farm::Summary summary = farm.run();
  farm_ = nullptr;
  progress_->finish();
  auto finished = source.finish();
  if (finished && trace_) finished = trace_->finish();
  if (!finished && !summary.error) summary.error = std::move(finished.error());
  if (cluster && !summary.error) cluster->finish();
  has_lost_ = collator.has_lost();
  last_words_ = progress_->summary(summary);
  progress_.reset();
  counts_ = source.counts();
  input_error_ = source.error();
  source_ = nullptr;
  throttle_.reset();
  timeouts_.reset();
  return summary;
}

// --- job events

void MapCommandRun::on_event(const plan::Event& event) {
  switch (event.kind) {
    case plan::Event::Kind::kJobStarted:
      halt_->started();
      throttle_->started(event.job);
      if (timeouts_) timeouts_->started(event.job);
      break;
    case plan::Event::Kind::kJobFinished:
    case plan::Event::Kind::kJobFailed:
      job_ended(event);
      break;
    default:
      break;
  }
}

void MapCommandRun::job_ended(const plan::Event& event) {
  const bool ok = event.kind == plan::Event::Kind::kJobFinished;
  const plan::Exit& exit = *event.exit;
  throttle_->ended(event.job, ok);
  if (timeouts_) timeouts_->ended(event.job, ok, exit.usage.wall_s);
  if (exit.cancelled) return;
  report_outcome(event, ok);
  if (event.will_retry) return;
  apply_halt(halt_->ended(ok, exit.signal != 0 && !exit.timed_out ? 0 : exit.status, exit.signal));
  if (!ok && options_.grouping == MapCommandOptions::Grouping::kNone && exit.signal == SIGPIPE &&
      is_closed(1))
    output_closed();
}

void MapCommandRun::report_outcome(const plan::Event& event, bool ok) {
  const plan::Exit& exit = *event.exit;
  const std::string& command = source_->job(event.job).command;
  if (!exit.error.empty()) {
    say("furrow map: this job failed: " + exit.error + ":\n" + command);
  } else if (exit.timed_out) {
    say("furrow map: this job was stopped because it took too long:\n" + command);
  }
  if (const char* const how = event.will_retry ? nullptr : halt_->speaks_of(ok))
    say(fmt::format("furrow map: this job {}:\n{}", how, command));
}

void MapCommandRun::apply_halt(command::HaltRule::When when) {
  if (when == command::HaltRule::When::kNever || farm_ == nullptr) return;
  farm_->halt(when == command::HaltRule::When::kNow);
}

void MapCommandRun::output_closed() {
  if (std::exchange(is_closed_, true) || farm_ == nullptr) return;
  farm_->halt(true);
}

void MapCommandRun::say(const std::string& text) {
  if (progress_) progress_->before_output();
  err_.write(os::shown_on(2, text + "\n"));
}

// --- the end of the run

void MapCommandRun::say_nothing_came() {
  if (const std::string line = empty_input_line(options_); !line.empty()) say(line);
}

int MapCommandRun::conclude(const farm::Summary& summary) {
  if (log_) log_->finish();
  if (store_) {
    if (auto closed = store_->close_cleanly(); !closed) {
      report_error(closed.error());
      return kError;
    }
  }
  if (summary.error) {
    report_error(*summary.error);
    return kError;
  }
  if (input_error_) {
    report_error(*input_error_);
    return kError;
  }
  const bool resumes = (options_.resume || options_.resume_failed) && !options_.retry_failed;
  if (resumes && !options_.quiet) {
    say(fmt::format("furrow map: {} of {} done before, according to {}", counts_.skipped,
                    count_of(counts_.read, "job"), options_.joblog ? *options_.joblog : *options_.results));
  }
  if (counts_.read == 0 && !options_.retry_failed && summary.signal == 0) say_nothing_came();
  if (counts_.fresh > 0 && !options_.quiet)
    say(fmt::format("furrow map: {} of {} up to date", counts_.fresh, count_of(counts_.read, "job")));
  if (summary.signal != 0) return kSignalled + summary.signal;
  if (is_closed_) {
    const int code = out_.error() != 0 ? out_.error() : err_.error();
    if (!has_lost_ && (code == EPIPE || code == 0)) return kSignalled + SIGPIPE;
    report_error(has_lost_ ? Error{"cannot keep the output of jobs until it is their turn: the disk of " +
                                   folder_ + " is full or broken"}
                           : Error{std::string("cannot write the output of jobs: ") + std::strerror(code)});
    return kError;
  }
  if (!last_words_.empty()) err_.write(os::shown_on(2, last_words_));
  return halt_->exit_code();
}

int run_map(MapCommandOptions options, RankSession* ranks) {
  return MapCommandRun(std::move(options), ranks).run();
}

}  // namespace furrow::cli
