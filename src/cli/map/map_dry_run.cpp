#include "cli/map/map_dry_run.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "cli/map/map_producer.hpp"
#include "cli/report_error.hpp"
#include "command/job_key.hpp"
#include "command/log/joblog.hpp"
#include "os/files/files.hpp"

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
    auto producer = FURROW_TRY(open_producer(options_, plan_, plan_.needs_identities || log_));
    for (command::MapJob job;;) {
      const auto pulled = producer.jobs->next(job);
      if (!pulled) {
        auto flushed = printer_.flush();
        return fail(pulled.error());
      }
      if (*pulled == command::Pull::kEnd) return printer_.flush();
      FURROW_TRY(*pulled == command::Pull::kValue ? see(job) : wait(*producer.jobs));
    }
  }

 private:
  // Does not create the log: a missing log means that no job is done.
  Result<void> open_log() {
    if (!options_.joblog || !(options_.resume || options_.resume_failed || options_.retry_failed)) return {};
    if (!os::status(*options_.joblog).exists()) return {};
    auto log = command::Joblog::open({.path = *options_.joblog, .go_on = true});
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

  Result<void> see(const command::MapJob& job) {
    ++context_.seq;
    if (log_ && is_done(job)) return {};
    return print(job);
  }

  bool is_done(const command::MapJob& job) {
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
  command::RenderContext context_{.seq = 0};
  std::uint64_t printed_ = 0;
  Printer printer_;
};

}  // namespace

int dry_run_map(const MapCommandOptions& options, MapPlan& plan) {
  const auto done = DryRun(options, plan).run();
  if (done) return 0;
  report_error(done.error());
  return 255;
}

}  // namespace furrow::cli
