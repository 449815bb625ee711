#include "pool/map/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/json_text.hpp"
#include "os/events/clock.hpp"

namespace furrow::pool {

namespace {

constexpr std::size_t kBuffered = 1 << 16;

std::string quoted(std::string_view text) { return '"' + json_text(text) + '"'; }

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
  auto file = os::ReplacingFile::create(path);
  if (!file) throw PoolError("the trace cannot be written: " + file.error().message);
  file_ = std::move(*file);
  buffer_ = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  buffer_ +=
      fmt::format("{{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"process_name\",\"args\":{{\"name\":{}}}}}",
                  quoted("furrow::Pool, " + backend));
}

double Trace::since_start_us(std::int64_t time_ns) const {
  return static_cast<double>(time_ns - began_ns_) * 1e-3;
}

void Trace::add(int worker, const std::string& event) {
  const std::lock_guard lock(mutex_);
  if (!state_) return;
  if (named_workers_.insert(worker).second)
    buffer_ += fmt::format(
        ",\n{{\"ph\":\"M\",\"pid\":1,\"tid\":{0},\"name\":\"thread_name\",\"args\":{{\"name\":\"worker "
        "{0}\"}}}}"
        ",\n{{\"ph\":\"M\",\"pid\":1,\"tid\":{0},\"name\":\"thread_sort_index\",\"args\":{{\"sort_index\":{0}"
        "}}}}",
        worker);
  buffer_ += ",\n" + event;
  if (buffer_.size() < kBuffered) return;
  state_ = file_->write(buffer_);
  buffer_.clear();
}

void Trace::on_chunk(const ChunkDone& chunk) {
  const std::uint64_t first = chunk.indices.begin * block_;
  const std::uint64_t end = std::min(chunk.indices.end * block_, items_);
  if (first >= end) return;
  const std::string name =
      end - first == 1 ? fmt::format("item {}", first) : fmt::format("items {} to {}", first, end - 1);
  add(chunk.worker, fmt::format("{{\"ph\":\"X\",\"pid\":1,\"tid\":{},\"ts\":{:.3f},\"dur\":{:.3f},\"cat\":"
                                "\"chunk\",\"name\":\"{}\","
                                "\"args\":{{\"first\":{},\"last\":{},\"items\":{}}}}}",
                                chunk.worker, since_start_us(chunk.began_ns),
                                static_cast<double>(chunk.ended_ns - chunk.began_ns) * 1e-3, name, first,
                                end - 1, end - first));
}

void Trace::mark(int worker, const std::string& name, const std::string& arguments) {
  add(worker,
      fmt::format(
          "{{\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":{},\"ts\":{:.3f},\"name\":\"{}\",\"args\":{{{}}}}}",
          worker, since_start_us(os::monotonic_ns()), name, arguments));
}

void Trace::on_failure(const Failure& failure, int worker) {
  mark(worker, fmt::format("item {} failed", failure.index),
       fmt::format("\"item\":{},\"kind\":\"{}\",\"attempts\":{},\"message\":{}", failure.index,
                   name_of(failure.kind), failure.attempts, quoted(failure.message)));
}

void Trace::on_restart(int worker) { mark(worker, "worker replaced", ""); }

Result<void> Trace::finish() {
  const std::lock_guard lock(mutex_);
  if (state_) state_ = file_->write(buffer_ + "\n]}\n");
  if (state_) state_ = file_->finish();
  return state_;
}

}  // namespace furrow::pool
