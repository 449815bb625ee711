#include "cli/map/map_dry_run.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "cli/map/map_producer.hpp"
#include "cli/report_error.hpp"
#include "command/job_key.hpp"
#include "command/log/joblog.hpp"
#include "command/log/results_table.hpp"
#include "command/output/job_outputs.hpp"
#include "command/output/path_claims.hpp"
#include "command/output/results_files.hpp"
#include "os/files/files.hpp"
#include "os/terminal/shown.hpp"
#include "store/store.hpp"

namespace furrow::cli {

namespace {

constexpr std::size_t kBuffer = 64 * 1024;

// Writes to standard output through one buffer.
class Printer {
 public:
  std::string& buffer() { return buffer_; }
  Result<void> end_line() {
    buffer_ += '\n';
    return buffer_.size() < kBuffer ? Result<void>() : flush();
  }
  Result<void> flush() {
    buffer_ = os::shown_on(STDOUT_FILENO, std::move(buffer_));
    for (std::string_view rest = buffer_; !rest.empty();) {
      const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
      if (written >= 0) {
        rest.remove_prefix(static_cast<std::size_t>(written));
      } else if (errno != EINTR) {
        return fail(system_error("cannot write to standard output"));
      }
    }
    buffer_.clear();
    return {};
  }

 private:
  std::string buffer_;
};

class DryRun {
 public:
  DryRun(const MapCommandOptions& options, MapPlan& plan) : options_(options), plan_(plan) {
    context_.slots = plan.slots;
    context_.total = plan.total.value_or(0);
  }

  Result<void> run() {
    FURROW_TRY(open_log());
    if (options_.retry_failed) return print_failed();
    FURROW_TRY(open_outputs());
    auto producer = FURROW_TRY(open_producer(options_, plan_, plan_.needs_identities || log_));
    for (command::MapJob job;;) {
      const auto pulled = producer.jobs->next(job);
      if (!pulled) {
        auto flushed = printer_.flush();
        return fail(pulled.error());
      }
      if (*pulled == command::Pull::kEnd) return end();
      FURROW_TRY(*pulled == command::Pull::kValue ? see(job) : wait(*producer.jobs));
    }
  }

 private:
  Result<void> end() {
    FURROW_TRY(printer_.flush());
    if (context_.seq > 0) return {};
    if (const std::string line = empty_input_line(options_); !line.empty()) say(line);
    return {};
  }

  void say(const std::string& line) const { print_message(stderr, line); }

  // Creates nothing: a missing store knows of no job.
  Result<void> open_outputs() {
    command::ResultsTable::Format format;
    if (options_.results && !command::ResultsTable::is_table(*options_.results, format))
      files_.emplace(*plan_.results, plan_.inputs ? plan_.inputs->names() : std::vector<std::string>());
    if (options_.outputs.empty()) return {};
    auto store = FURROW_TRY(store::Store::open_readonly(kStoreFolder));
    FURROW_TRY(store->count_records());
    store_ = std::move(store);
    outputs_.emplace(plan_.command, plan_.outputs, *store_);
    return {};
  }

  // Does not create the log: a missing log means that no job is done.
  Result<void> open_log() {
    FURROW_TRY(check_log_to_retry(options_));
    if (!options_.joblog || !(options_.resume || options_.resume_failed || options_.retry_failed)) return {};
    if (!os::status(*options_.joblog).exists()) return {};
    auto log = command::Joblog::open({.path = *options_.joblog, .go_on = true, .only_reads = true});
    if (!log) return fail(std::move(log.error()));
    log_ = std::move(*log);
    return {};
  }

  Result<void> print_failed() {
    for (std::size_t i = 0; log_ && i < log_->failed().size(); ++i) {
      printer_.buffer() += log_->failed()[i].command;
      FURROW_TRY(printer_.end_line());
    }
    return printer_.flush();
  }

  Result<void> see(command::MapJob& job) {
    job.seq = ++context_.seq;
    const Result<void> claimed = claim_paths(job);
    if (is_done(job)) return {};
    if (!claimed) {
      FURROW_TRY(printer_.flush());
      say("furrow map: this job would be refused: " + claimed.error().message);
      return {};
    }
    if (outputs_ && FURROW_TRY(outputs_->is_fresh(job))) return {};
    return print(job);
  }

  Result<void> claim_paths(command::MapJob& job) {
    if (files_ && !files_->uses_slot()) {
      const command::ResultsPaths files = files_->paths(job, context_);
      const std::string paths[] = {files.out, files.err, files.seq};
      FURROW_TRY(claims_.claim(paths, job.seq, job.values.joined(" ")));
    }
    if (!outputs_) return {};
    outputs_->name(job, context_);
    return claims_.claim(job.outputs, job.seq, job.values.joined(" "));
  }

  bool is_done(const command::MapJob& job) {
    if (!log_) return options_.resume && !options_.joblog && files_ && files_->exist(job, context_);
    using Before = command::PastJobs::Before;
    command::PastJobs& past = log_->past();
    Before before = past.by_key(command::job_key(plan_.command.identity(), job.identity));
    if (before == Before::kNever && past.has_keyless())
      before = past.take_command(plan_.command.render(job.values, context_));
    return before == Before::kWell || (before == Before::kFailed && !options_.resume_failed);
  }

  Result<void> print(const command::MapJob& job) {
    context_.slot = static_cast<unsigned>(printed_++ % plan_.slots) + 1;
    if (plan_.needs_identities) context_.seed = command::job_seed(options_.seed, job.identity);
    std::string& out = printer_.buffer();
    if (plan_.tag) {
      plan_.tag->render(job.values, context_, out);
      out += '\t';
    }
    plan_.command.render(job.values, context_, out);
    return printer_.end_line();
  }

  // Prints everything so far before it waits for more input.
  Result<void> wait(const command::JobProducer& producer) {
    auto flushed = printer_.flush();
    pollfd more{producer.descriptor(), POLLIN, 0};
    ::poll(&more, 1, -1);
    return flushed;
  }

  const MapCommandOptions& options_;
  MapPlan& plan_;
  std::unique_ptr<command::Joblog> log_;
  std::optional<command::ResultsFiles> files_;
  std::unique_ptr<store::Store> store_;
  std::optional<command::JobOutputs> outputs_;
  command::PathClaims claims_;
  command::RenderContext context_{.seq = 0};
  std::uint64_t printed_ = 0;
  Printer printer_;
};

}  // namespace

int dry_run_map(const MapCommandOptions& options, MapPlan& plan) {
  if (!options.quiet) std::fprintf(stderr, "%s\n", plan.shell.line().c_str());
  const auto done = DryRun(options, plan).run();
  if (done) return 0;
  report_error(done.error());
  return 255;
}

}  // namespace furrow::cli
