#include "exec/batch/batch_journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "exec/batch/attempt_json.hpp"
#include "exec/batch/checksummed_line.hpp"
#include "os/events/clock.hpp"

namespace furrow::exec {

namespace {

constexpr const char* kFormat = "journal 1";
constexpr double kSyncEvery_s = 0.2;
constexpr std::size_t kReadAtOnce = 1 << 20;

std::string host_name() {
  // Slurm's name for the node, if it gives one.
  for (const char* name : {"SLURMD_NODENAME"}) {
    if (const char* const value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

void write_stream(text::JsonWriter& json, const char* name, const char* file_name, const std::string& text,
                  bool is_file) {
  if (!text.empty()) text::write_field(json, is_file ? file_name : name, text);
}

JobOutput output_of(const text::JsonValue& line) {
  JobOutput output;
  output.out_in_file = text::member(line, "out_file") != nullptr;
  output.err_in_file = text::member(line, "err_file") != nullptr;
  output.out = text::read_field<std::string>(line, output.out_in_file ? "out_file" : "out");
  output.err = text::read_field<std::string>(line, output.err_in_file ? "err_file" : "err");
  return output;
}

// The index of a job in the batch; nullopt if the line has no such member.
std::optional<std::uint32_t> job_index_of(const text::JsonValue& line, const char* name) {
  const auto index = text::read_field<std::int64_t>(line, name, -1);
  return index >= 0 ? std::optional(static_cast<std::uint32_t>(index)) : std::nullopt;
}

void add_event(const text::JsonValue& line, std::vector<JournalEvent>& events) {
  using Kind = JournalEvent::Kind;
  const auto at = text::read_field<double>(line, "at");
  if (text::member(line, "furrow") != nullptr) {
    const auto index = text::read_field<std::uint32_t>(line, "index");
    events.push_back({.kind = Kind::kBegun,
                      .at = at,
                      .host = text::read_field<std::string>(line, "host"),
                      .job = text::read_field<std::string>(line, "job"),
                      .runner = text::read_field<std::uint32_t>(line, "runner", index)});
  } else if (const auto started = job_index_of(line, "start")) {
    events.push_back({.kind = Kind::kStart, .index = *started, .at = at});
  } else if (const auto ended = job_index_of(line, "end")) {
    JournalEvent& event = events.emplace_back(JournalEvent{.kind = Kind::kEnd, .index = *ended, .at = at});
    text::read_fields(line, event.exit, kExitFields);
    event.output = output_of(line);
  } else if (text::read_field<bool>(line, "over")) {
    events.push_back({.kind = Kind::kOver, .at = at});
  }
}

}  // namespace

Result<std::unique_ptr<JournalWriter>> JournalWriter::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return fail(system_error("cannot write " + path));
  return std::unique_ptr<JournalWriter>(new JournalWriter(fd, path));
}

JournalWriter::JournalWriter(int fd, std::string path)
    : fd_(fd), path_(std::move(path)), syncer_({fd}, kSyncEvery_s) {}

void JournalWriter::begin(const std::string& id, std::uint32_t index, const std::string& job,
                          std::uint32_t runner) {
  pending_ += checksummed_line([&](text::JsonWriter& json) {
    text::write_field(json, "furrow", std::string(kFormat));
    text::write_field(json, "id", id);
    text::write_field(json, "index", index);
    text::write_field(json, "host", host_name());
    text::write_field(json, "pid", ::getpid());
    text::write_field(json, "job", job);
    text::write_field(json, "runner", runner);
    text::write_field(json, "at", os::wall_seconds());
  });
}

void JournalWriter::start(std::uint32_t index) {
  pending_ += checksummed_line([&](text::JsonWriter& json) {
    text::write_field(json, "start", index);
    text::write_field(json, "at", os::wall_seconds());
  });
}

void JournalWriter::end(std::uint32_t index, const plan::Exit& exit, const JobOutput& output) {
  pending_ += checksummed_line([&](text::JsonWriter& json) {
    text::write_field(json, "end", index);
    text::write_fields(json, exit, kExitFields);
    write_stream(json, "out", "out_file", output.out, output.out_in_file);
    write_stream(json, "err", "err_file", output.err, output.err_in_file);
  });
}

void JournalWriter::over() {
  pending_ += checksummed_line([&](text::JsonWriter& json) {
    text::write_field(json, "over", true);
    text::write_field(json, "at", os::wall_seconds());
  });
}

Result<void> JournalWriter::commit() {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      pending_.erase(0, pending_.size() - rest.size());  // the reader ignores an incomplete last line
      return fail(system_error("cannot write " + path_));
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  if (!pending_.empty()) syncer_.written();
  pending_.clear();
  return {};
}

Result<void> JournalWriter::sync() {
  if (::fdatasync(fd_.get()) != 0 && errno != EINVAL) return fail(system_error("cannot write " + path_));
  return {};
}

std::vector<JournalEvent> JournalReader::read_on() {
  std::vector<JournalEvent> events;
  const os::Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return events;
  for (;;) {
    const auto left =
        static_cast<std::uint64_t>(status.st_size) - std::min<std::uint64_t>(offset_, status.st_size);
    if (left == 0) return events;
    // If a line is longer than the buffer, it is read again with a larger one.
    std::string text(std::max<std::size_t>(std::min<std::size_t>(left, kReadAtOnce), 1), '\0');
    std::size_t whole = 0;
    for (;;) {
      const ssize_t n = ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(offset_));
      if (n <= 0) return events;
      whole = read_checksummed(std::string_view(text).substr(0, static_cast<std::size_t>(n)),
                               [&](const text::JsonValue& line) { add_event(line, events); });
      if (whole > 0 || text.size() >= left) break;
      text.resize(std::min<std::size_t>(left, text.size() * 2));
    }
    if (whole == 0) return events;  // the last line is not complete yet
    offset_ += whole;
  }
}

}  // namespace furrow::exec
