#include "pool/map/map_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "os/events/clock.hpp"

namespace furrow::pool {

namespace {

constexpr std::int64_t kTick_ns = 100'000'000;

}  // namespace

MapSession::MapSession(RunningMap& run, BackendKind backend)
    : run_(run), began_ns_(os::monotonic_ns()), ticked_ns_(began_ns_) {
  const MapOptions& options = run.options;
  if (!options.trace.empty()) trace_ = std::make_unique<Trace>(options.trace, name(backend), run.call);
  if (!options.resume.path.empty()) {
    resume_ = std::make_unique<ResumeFile>(run);
    restored_ = resume_->restored();
  }
  if (options.progress.bar()) bar_.emplace();
  if (trace_) run.observers.push_back(trace_.get());
  if (resume_) run.observers.push_back(resume_.get());
  if (!resume_ && !options.progress) return;
  run.observers.push_back(this);
  run.tick = [this] { tick(); };
}

MapSession::~MapSession() {
  try {
    finish();
  } catch (...) {  // the map's own exception is already being thrown
  }
}

void MapSession::on_chunk(const ChunkDone&) {
  if (std::this_thread::get_id() == caller_) tick();
}

void MapSession::tick() {
  const std::int64_t now = os::monotonic_ns();
  if (now - ticked_ns_ < kTick_ns) return;
  ticked_ns_ = now;
  if (resume_) resume_->tick();
  report_progress();
}

ProgressUpdate MapSession::progress() const {
  const detail::MapCall& call = run_.call;
  const bool endless = call.items == ~std::uint64_t{0};
  const auto items = [&](std::uint64_t indices) { return std::min(indices * call.block, call.items); };
  const RunningMap::Counts counts = run_.counts();
  const std::uint64_t over = std::min(items(restored_) + counts.ended, call.items);
  ProgressUpdate update;
  update.failed = std::min(counts.failed + counts.given_up, over);
  update.done = over - update.failed;
  update.total = endless ? 0 : call.items;
  update.elapsed_s = static_cast<double>(os::monotonic_ns() - began_ns_) * 1e-9;
  return update;
}

void MapSession::draw_bar() {
  const ProgressUpdate update = progress();
  os::ProgressFigures figures{.done = update.done, .failed = update.failed};
  if (update.total > 0) figures.total = update.total;
  figures.elapsed_s = update.elapsed_s;
  figures.earlier = std::min(restored_ * run_.call.block, run_.call.items);
  bar_->draw(figures);
}

// An exception from the callback must not unwind the backend while its workers run: it ends the map instead.
void MapSession::report_progress() {
  if (bar_) draw_bar();
  const auto& callback = run_.options.progress.callback();
  if (!callback || callback_error_) return;
  try {
    callback(progress());
  } catch (...) {
    callback_error_ = std::current_exception();
    run_.stop();
  }
}

// If the trace cannot be written to the end, the map still returns its results: they are worth more.
void MapSession::end_trace() {
  const Result<void> written = trace_->finish();
  if (!written) std::fputs(fmt::format("furrow: {}\n", written.error().message).c_str(), stderr);
}

void MapSession::rethrow() {
  if (callback_error_) std::rethrow_exception(std::exchange(callback_error_, nullptr));
}

void MapSession::finish() {
  if (std::exchange(finished_, true)) return;
  run_.tick = nullptr;
  report_progress();
  if (bar_) bar_->erase();
  if (trace_) end_trace();
  const Result<void> kept = resume_ ? resume_->finish() : Result<void>{};
  rethrow();
  if (!kept)
    throw std::runtime_error(fmt::format(
        "{}; the results before that are kept, so the same call continues from there", kept.error().message));
}

}  // namespace furrow::pool
