#include "command/log/joblog.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.hpp"
#include "os/files/descriptor.hpp"
#include "os/files/files.hpp"
#include "os/files/write_all.hpp"

namespace furrow::command {

namespace {

constexpr std::string_view kHeader =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand";
constexpr std::string_view kUsageHeader = "\tMaxRssKb\tUserTime\tSystemTime";
constexpr double kWaitForDisk_s = 1;
constexpr double kWaitForWatchdog_s = 20;

bool is_regular(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

Result<std::unique_ptr<Joblog>> Joblog::open(JoblogOptions options) {
  std::unique_ptr<Joblog> log(new Joblog(std::move(options)));
  FURROW_TRY(log->open_file());
  return log;
}

Joblog::~Joblog() {
  syncer_.reset();
  if (fd_ > 2) ::close(fd_);
}

Result<void> Joblog::open_file() {
  const std::string& path = options_.path;
  fd_ = path == "-" ? 1 : ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) return furrow::fail(system_error("cannot write the job log " + path));
  if (fd_ > 2 && is_regular(fd_)) {
    auto keys = FURROW_TRY(KeyFile::open(path + ".furrow", kWaitForWatchdog_s, options_.only_reads));
    keys_ = std::move(keys);
    if (options_.go_on) {
      FURROW_TRY(read());
    } else if (options_.append) {
      FURROW_TRY(keys_.read());
      FURROW_TRY(cut_unsafe());
    } else {
      FURROW_TRY(cut(0));
      FURROW_TRY(keys_.clear());
    }
  }
  FURROW_TRY(write_header());
  return {};
}

Result<void> Joblog::begin_jobs(const std::string& run, int watchdog) {
  struct stat info {};
  if (::fstat(fd_, &info) == 0) size_ = info.st_size;
  FURROW_TRY(keys_.begin_jobs(run, size_, watchdog));
  const os::Descriptor marks(keys_.open_for_marks());
  // What an earlier run has made lies on file systems that this one does not know.
  const bool everything = keys_.marked_log_size().value_or(size_) < size_;
  auto started = os::DiskSyncer::start(
      marks.get(), everything, [fd = marks.get()](std::int64_t size) { KeyFile::add_mark(fd, size); });
  if (!started) return {};  // then the lines of this run do not count after a power cut
  syncer_ = *std::move(started);
  made_in(os::parent_of(options_.path));
  made_in("");
  return {};
}

void Joblog::made_in(std::string_view path) {
  if (syncer_) syncer_->add(path);
}

void Joblog::finish() {
  if (syncer_) (void)syncer_->finish(kWaitForDisk_s);
  syncer_.reset();
}

// The machine went down: what jobs of the last lines made may not have reached the disk, so they run again.
Result<void> Joblog::cut_unsafe() {
  const auto safe = keys_.safe_log_size();
  struct stat info {};
  if (!safe || ::fstat(fd_, &info) != 0 || info.st_size <= *safe) return {};
  FURROW_LOG(command, info, "{} is cut from {} to {} bytes: the machine went down after that", options_.path,
             info.st_size, *safe);
  return cut(static_cast<std::size_t>(*safe));
}

Result<void> Joblog::write_header() {
  struct stat info {};
  const bool is_new = ::fstat(fd_, &info) != 0 || info.st_size == 0;
  if (!is_new) return {};
  lines_ = std::string(kHeader) + std::string(options_.with_usage ? kUsageHeader : "") + "\n";
  return commit();
}

Result<void> Joblog::cut(std::size_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0)
    return furrow::fail(system_error("cannot write the job log " + options_.path));
  return {};
}

// A line without a newline was being written when the machine went down: its job counts as not done.
Result<void> Joblog::read() {
  auto keys = FURROW_TRY(keys_.read());
  if (!options_.only_reads) {
    FURROW_TRY(cut_unsafe());
  }
  auto text = FURROW_TRY(os::read_file(options_.path));
  const std::size_t good = text.rfind('\n') + 1;  // 0 if there is none
  if (good != text.size()) {
    FURROW_TRY(cut(good));
    text.resize(good);
  }
  if (const auto safe = keys_.safe_log_size())
    text.resize(std::min(text.size(), static_cast<std::size_t>(*safe)));
  if (text.empty()) return {};

  std::string_view rest = text;
  const auto next_line = [&rest] {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return line;
  };
  const std::string_view header = next_line();
  if (!header.starts_with("Seq\t"))
    return furrow::fail(Error{options_.path + " is not a job log", options_.path, 1, "Name another file."});
  const bool usage = header.ends_with(kUsageHeader);
  options_.with_usage = usage;  // a log has one format
  std::map<std::pair<bool, std::uint64_t>, FailedJob> failed;
  for (int number = 2; !rest.empty(); ++number) {
    const std::string_view line = next_line();
    PastJob job;
    if (!parse_log_line(line, usage, job))
      return furrow::fail(Error{"this is not a line of a job log: " + std::string(line.substr(0, 200)),
                                options_.path, number, "Correct or remove it."});
    const auto key = keys.find(KeyFile::line_hash(line));
    job.has_key = key != keys.end();
    if (job.has_key) job.key = key->second;
    past_.add(job);
    const std::pair same{job.has_key, job.has_key ? job.key : job.seq};
    if (job.ok) {
      failed.erase(same);
      continue;
    }
    std::string command(job.command);
    std::replace(command.begin(), command.end(), '\0', '\n');
    failed[same] = {job.seq, job.key, job.has_key, std::move(command), job.sent};
  }
  past_.finish();
  for (auto& [same, job] : failed) failed_.push_back(std::move(job));
  std::stable_sort(failed_.begin(), failed_.end(),
                   [](const FailedJob& a, const FailedJob& b) { return a.seq < b.seq; });
  return {};
}

void Joblog::add(const LogEntry& entry) {
  const std::size_t begin = lines_.size();
  auto out = std::back_inserter(lines_);
  fmt::format_to(out, "{}\t:\t{:.3f}\t{:10.3f}\t{}\t{}\t{}\t{}\t", entry.seq, entry.started_at, entry.wall_s,
                 entry.sent, entry.received, entry.status, entry.signal);
  const std::size_t command = lines_.size();
  lines_ += entry.command;
  std::replace(lines_.begin() + static_cast<std::ptrdiff_t>(command), lines_.end(), '\n', '\0');
  if (options_.with_usage)
    fmt::format_to(out, "\t{}\t{:.3f}\t{:.3f}", entry.max_rss_kb, entry.user_s, entry.system_s);
  if (keys_.is_open() && entry.has_key) keys_.add(std::string_view(lines_).substr(begin), entry.key);
  lines_ += '\n';
}

Result<void> Joblog::commit() {
  if (lines_.empty()) return {};
  if (keys_.is_open()) {
    FURROW_TRY(keys_.commit());
  }
  const bool written = os::write_all(fd_, lines_);
  size_ += static_cast<std::int64_t>(lines_.size());
  lines_.clear();
  if (!written) return furrow::fail(system_error("cannot write the job log " + options_.path));
  if (syncer_) syncer_->wrote(size_);
  return {};
}

}  // namespace furrow::command
