#include "exec/batch/batch_journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "exec/batch/attempt_json.hpp"
#include "exec/batch/sealed_line.hpp"
#include "os/events/clock.hpp"

namespace furrow::exec {

namespace {

constexpr const char* kFormat = "journal 1";
constexpr double kSyncEvery_s = 0.2;
constexpr std::size_t kReadAtOnce = 1 << 20;

std::string host_name() {
  // The name by which Slurm knows the node, where it says one.
  for (const char* name : {"SLURMD_NODENAME"}) {
    if (const char* const value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

void put_stream(SealedWriter& json, const char* name, const char* file_name, const std::string& text,
                bool is_file) {
  if (!text.empty()) put(json, is_file ? file_name : name, text);
}

JobOutput output_of(const rapidjson::Value& line) {
  JobOutput output;
  output.out_in_file = member_of(line, "out_file") != nullptr;
  output.err_in_file = member_of(line, "err_file") != nullptr;
  output.out = text_of(line, output.out_in_file ? "out_file" : "out");
  output.err = text_of(line, output.err_in_file ? "err_file" : "err");
  return output;
}

void add_event(const rapidjson::Value& line, std::vector<JournalEvent>& events) {
  const double at = real_of(line, "at");
  if (member_of(line, "furrow") != nullptr) {
    events.push_back(
        {.kind = JournalEvent::Kind::kBegun,
         .at = at,
         .host = text_of(line, "host"),
         .job = text_of(line, "job"),
         .runner = static_cast<std::uint32_t>(number_of(line, "runner", number_of(line, "index")))});
  } else if (const std::int64_t place = number_of(line, "start", -1); place >= 0) {
    events.push_back(
        {.kind = JournalEvent::Kind::kStart, .place = static_cast<std::uint32_t>(place), .at = at});
  } else if (const std::int64_t ended = number_of(line, "end", -1); ended >= 0) {
    events.push_back({.kind = JournalEvent::Kind::kEnd,
                      .place = static_cast<std::uint32_t>(ended),
                      .at = at,
                      .exit = exit_of(line),
                      .output = output_of(line)});
  } else if (flag_of(line, "over")) {
    events.push_back({.kind = JournalEvent::Kind::kOver, .at = at});
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
  pending_ += seal_object([&](SealedWriter& json) {
    put(json, "furrow", std::string_view(kFormat));
    put(json, "id", id);
    put(json, "index", std::int64_t{index});
    put(json, "host", host_name());
    put(json, "pid", std::int64_t{::getpid()});
    put(json, "job", job);
    put(json, "runner", std::int64_t{runner});
    put(json, "at", os::wall_seconds());
  });
}

void JournalWriter::start(std::uint32_t place) {
  pending_ += seal_object([&](SealedWriter& json) {
    put(json, "start", std::int64_t{place});
    put(json, "at", os::wall_seconds());
  });
}

void JournalWriter::end(std::uint32_t place, const plan::Exit& exit, const JobOutput& output) {
  pending_ += seal_object([&](SealedWriter& json) {
    put(json, "end", std::int64_t{place});
    put_exit(json, exit);
    put_stream(json, "out", "out_file", output.out, output.out_in_file);
    put_stream(json, "err", "err_file", output.err, output.err_in_file);
  });
}

void JournalWriter::over() {
  pending_ += seal_object([&](SealedWriter& json) {
    json.Key("over");
    json.Bool(true);
    put(json, "at", os::wall_seconds());
  });
}

Result<void> JournalWriter::commit() {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      pending_.erase(0, pending_.size() - rest.size());  // the reader takes no half line for a whole one
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
    // A line longer than one piece is read with the pieces that follow.
    std::string text(std::max<std::size_t>(std::min<std::size_t>(left, kReadAtOnce), 1), '\0');
    std::size_t whole = 0;
    for (;;) {
      const ssize_t n = ::pread(file.get(), text.data(), text.size(), static_cast<off_t>(offset_));
      if (n <= 0) return events;
      whole = read_sealed(std::string_view(text).substr(0, static_cast<std::size_t>(n)),
                          [&](const rapidjson::Value& line) { add_event(line, events); });
      if (whole > 0 || text.size() >= left) break;
      text.resize(std::min<std::size_t>(left, text.size() * 2));
    }
    if (whole == 0) return events;  // the last line is not whole yet
    offset_ += whole;
  }
}

}  // namespace furrow::exec
