#include "os/files/trace_file.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/json_text.hpp"

namespace furrow::os {

namespace {

constexpr std::size_t kBuffered = 1 << 16;

std::string quoted(std::string_view text) { return '"' + json_text(text) + '"'; }

}  // namespace

void TraceArguments::key(std::string_view name) {
  if (!json_.empty()) json_ += ',';
  json_ += quoted(name) + ':';
}

TraceArguments& TraceArguments::text(std::string_view name, std::string_view value) {
  key(name);
  json_ += quoted(value);
  return *this;
}

TraceArguments& TraceArguments::number(std::string_view name, std::int64_t value) {
  key(name);
  json_ += std::to_string(value);
  return *this;
}

TraceArguments& TraceArguments::real(std::string_view name, double value) {
  key(name);
  json_ += fmt::format("{:.3f}", value);
  return *this;
}

Result<std::unique_ptr<TraceFile>> TraceFile::create(const std::string& path, std::string_view name,
                                                     std::string track) {
  auto file = FURROW_TRY(ReplacingFile::create(path));
  std::unique_ptr<TraceFile> trace(new TraceFile(std::move(file), std::move(track)));
  trace->buffer_ = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  trace->buffer_ +=
      fmt::format("{{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"process_name\",\"args\":{{\"name\":{}}}}}",
                  quoted(name));
  return trace;
}

TraceFile::TraceFile(std::unique_ptr<ReplacingFile> file, std::string track)
    : file_(std::move(file)), track_(std::move(track)) {}

void TraceFile::write(std::string_view event) {
  if (!state_) return;
  buffer_ += ",\n";
  buffer_ += event;
  if (buffer_.size() < kBuffered) return;
  state_ = file_->write(buffer_);
  buffer_.clear();
}

void TraceFile::name_track(int track) {
  if (!named_.insert(track).second) return;
  write(fmt::format(
      "{{\"ph\":\"M\",\"pid\":1,\"tid\":{0},\"name\":\"thread_name\",\"args\":{{\"name\":\"{1} {0}\"}}}}",
      track, track_));
  write(
      fmt::format("{{\"ph\":\"M\",\"pid\":1,\"tid\":{0},\"name\":\"thread_sort_index\",\"args\":"
                  "{{\"sort_index\":{0}}}}}",
                  track));
}

void TraceFile::add(const TraceSlice& slice, const TraceArguments& arguments) {
  name_track(slice.track);
  write(
      fmt::format("{{\"ph\":\"X\",\"pid\":1,\"tid\":{},\"ts\":{:.3f},\"dur\":{:.3f},\"cat\":{},\"name\":{},{}"
                  "\"args\":{{{}}}}}",
                  slice.track, slice.start_us, slice.took_us, quoted(slice.kind), quoted(slice.name),
                  slice.is_bad ? "\"cname\":\"terrible\"," : "", arguments.json()));
}

void TraceFile::mark(int track, double at_us, std::string_view name, const TraceArguments& arguments) {
  name_track(track);
  write(fmt::format(
      "{{\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":{},\"ts\":{:.3f},\"name\":{},\"args\":{{{}}}}}", track,
      at_us, quoted(name), arguments.json()));
}

void TraceFile::count(double at_us, std::string_view name, const TraceArguments& values) {
  write(fmt::format("{{\"ph\":\"C\",\"pid\":1,\"ts\":{:.3f},\"name\":{},\"args\":{{{}}}}}", at_us,
                    quoted(name), values.json()));
}

void TraceFile::arrow(int from, double from_us, int to, double to_us) {
  ++arrows_;
  write(
      fmt::format("{{\"ph\":\"s\",\"pid\":1,\"tid\":{},\"ts\":{:.3f},\"id\":{},\"cat\":\"needs\",\"name\":"
                  "\"needs\"}}",
                  from, from_us, arrows_));
  write(
      fmt::format("{{\"ph\":\"f\",\"bp\":\"e\",\"pid\":1,\"tid\":{},\"ts\":{:.3f},\"id\":{},\"cat\":"
                  "\"needs\",\"name\":\"needs\"}}",
                  to, to_us, arrows_));
}

Result<void> TraceFile::finish() {
  if (state_) state_ = file_->write(buffer_ + "\n]}\n");
  if (state_) state_ = file_->finish();
  return state_;
}

}  // namespace furrow::os
