#include "pool/map/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "os/events/clock.hpp"

namespace furrow::pool {

namespace {

const char* name_of(FailureKind kind) {
  switch (kind) {
    case FailureKind::kException:
      return "exception";
    case FailureKind::kDied:
      return "died";
    case FailureKind::kTimeout:
      return "timeout";
    case FailureKind::kLost:
      return "lost";
    case FailureKind::kCancelled:
      return "cancelled";
  }
  return "";
}

}  // namespace

Trace::Trace(const std::string& path, const std::string& backend, const detail::MapCall& call)
    : began_ns_(os::monotonic_ns()), block_(call.block), items_(call.items) {
  auto file = os::TraceFile::create(path, "furrow::Pool, " + backend, "worker");
  if (!file) throw PoolError("the trace cannot be written: " + file.error().message);
  file_ = std::move(*file);
}

double Trace::since_start_us(std::int64_t time_ns) const {
  return static_cast<double>(time_ns - began_ns_) * 1e-3;
}

void Trace::on_chunk(const ChunkDone& chunk) {
  const std::uint64_t first = chunk.indices.begin * block_;
  const std::uint64_t end = std::min(chunk.indices.end * block_, items_);
  if (first >= end) return;
  const std::string name =
      end - first == 1 ? fmt::format("item {}", first) : fmt::format("items {} to {}", first, end - 1);
  os::TraceArguments arguments;
  arguments.number("first", static_cast<std::int64_t>(first))
      .number("last", static_cast<std::int64_t>(end - 1))
      .number("items", static_cast<std::int64_t>(end - first));
  const double took_us = static_cast<double>(chunk.ended_ns - chunk.began_ns) * 1e-3;
  const std::lock_guard lock(mutex_);
  file_->add({chunk.worker, since_start_us(chunk.began_ns), took_us, "chunk", name}, arguments);
}

void Trace::mark(int worker, const std::string& name, const os::TraceArguments& arguments) {
  const double now_us = since_start_us(os::monotonic_ns());
  const std::lock_guard lock(mutex_);
  file_->mark(worker, now_us, name, arguments);
}

void Trace::on_failure(const Failure& failure, int worker) {
  os::TraceArguments arguments;
  arguments.number("item", static_cast<std::int64_t>(failure.index))
      .text("kind", name_of(failure.kind))
      .number("attempts", failure.attempts)
      .text("message", failure.message);
  mark(worker, fmt::format("item {} failed", failure.index), arguments);
}

void Trace::on_restart(int worker) { mark(worker, "worker replaced", {}); }

Result<void> Trace::finish() {
  const std::lock_guard lock(mutex_);
  return file_->finish();
}

}  // namespace furrow::pool
