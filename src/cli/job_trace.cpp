#include "cli/job_trace.hpp"

#include <algorithm>
#include <utility>

#include "os/events/clock.hpp"

namespace furrow::cli {

namespace {

constexpr double kCountEvery_s = 0.01;
// A job that collects the files of all others would hide everything behind its arrows.
constexpr int kMostArrows = 50;

std::string state_of(const plan::Event& event) {
  if (event.kind == plan::Event::Kind::kJobFinished) return "done";
  if (event.exit && event.exit->cancelled) return "interrupted";
  if (event.exit && event.exit->timed_out) return "timed out";
  return event.will_retry ? "failed, is tried again" : "failed";
}

}  // namespace

Result<std::unique_ptr<JobTrace>> JobTrace::create(const std::string& path, const std::string& name) {
  auto file = FURROW_TRY(os::TraceFile::create(path, name, "slot"));
  return std::unique_ptr<JobTrace>(new JobTrace(std::move(file)));
}

JobTrace::JobTrace(std::unique_ptr<os::TraceFile> file)
    : began_at_(os::wall_seconds()), file_(std::move(file)) {}

void JobTrace::follow(const plan::JobSource& source, Needs needs) {
  source_ = &source;
  needs_ = std::move(needs);
}

int JobTrace::take_track() {
  if (free_tracks_.empty()) return ++tracks_;
  return free_tracks_.extract(free_tracks_.begin()).value();
}

void JobTrace::on_event(const plan::Event& event) {
  using Kind = plan::Event::Kind;
  switch (event.kind) {
    case Kind::kRunStarted:
    case Kind::kGraphGrown:
      total_ = event.total;
      break;
    case Kind::kJobStarted:
      started(event.job);
      break;
    case Kind::kJobFinished:
    case Kind::kJobFailed:
      ended(event);
      break;
    case Kind::kStopping:
      file_->mark(0, since_start_us(os::wall_seconds()), "stopping",
                  os::TraceArguments().number("signal", event.signal));
      break;
    default:
      break;
  }
}

void JobTrace::started(plan::JobId job) {
  running_[job] = {take_track(), os::wall_seconds()};
  count_jobs();
}

void JobTrace::ended(const plan::Event& event) {
  const auto found = running_.find(event.job);
  if (found == running_.end() || !source_) return;  // it failed before its start
  const Running running = found->second;
  running_.erase(found);
  const double now = os::wall_seconds();
  const bool is_timed = event.exit && event.exit->started_at > 0;
  const double start = is_timed ? event.exit->started_at : running.started_at;
  const double took_s = std::max(0.0, is_timed ? event.exit->usage.wall_s : now - start);
  const plan::JobName name = source_->name(event.job);
  os::TraceArguments arguments;
  arguments.text("job", name.wildcards).text("state", state_of(event)).number("attempt", event.attempt);
  if (start - running.started_at > 0.001) arguments.real("waited s", start - running.started_at);
  if (event.exit) {
    arguments.number("status", event.exit->status)
        .real("cpu s", event.exit->usage.user_s + event.exit->usage.system_s);
    if (event.exit->signal != 0) arguments.number("signal", event.exit->signal);
    if (event.exit->usage.max_rss_kb > 0) arguments.number("memory kB", event.exit->usage.max_rss_kb);
  }
  const bool is_done = event.kind == plan::Event::Kind::kJobFinished;
  const double start_us = since_start_us(start);
  // All jobs of a map have the same command.
  const std::string& shown = needs_.visit || name.wildcards.empty() ? name.rule : name.wildcards;
  file_->add({running.track, start_us, took_s * 1e6, "job", shown, !is_done}, arguments);
  if (needs_.visit) {
    add_arrows(event.job, running.track, start_us);
    // Within the slice, or the arrow would hang in the air.
    ended_[needs_.number(event.job)] = {running.track, start_us + std::max(0.0, took_s * 1e6 - 1)};
  }
  free_tracks_.insert(running.track);
  if (!event.will_retry) ++done_;
  count_jobs();
}

void JobTrace::add_arrows(plan::JobId job, int track, double start_us) {
  int arrows = 0;
  needs_.visit(job, [&](std::uint32_t before) {
    const auto found = ended_.find(before);
    if (found == ended_.end() || ++arrows > kMostArrows) return;
    file_->arrow(found->second.track, found->second.ended_us, track,
                 std::max(start_us, found->second.ended_us));
  });
}

// Of changes that follow each other closely, the last one is written.
void JobTrace::count_jobs() {
  const double now = os::wall_seconds();
  if (now - counted_at_ >= kCountEvery_s || now - count_.at >= kCountEvery_s) write_count();
  const std::size_t begun = done_ + running_.size();
  count_ = {now, running_.size(), total_ > begun ? total_ - begun : 0, true};
}

void JobTrace::write_count() {
  if (!std::exchange(count_.is_new, false)) return;
  counted_at_ = count_.at;
  os::TraceArguments values;
  values.number("running", static_cast<std::int64_t>(count_.running))
      .number("waiting", static_cast<std::int64_t>(count_.waiting));
  file_->count(since_start_us(count_.at), "jobs", values);
}

Result<void> JobTrace::finish() {
  write_count();
  return file_->finish();
}

}  // namespace furrow::cli
