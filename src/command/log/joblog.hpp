// The job log: GNU parallel's format, with a line for each job that has ended, and a second file with the
// jobs' keys.
//
// When commit() returns, everything added before it is in the files: if the engine is killed, nothing of it
// is lost. After a power cut, the lines count up to the last mark of the key file. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "command/log/key_file.hpp"
#include "command/log/past_jobs.hpp"
#include "os/process/disk_syncer.hpp"

namespace furrow::command {

struct JoblogOptions {
  // "-": standard output.
  std::string path;
  // Keep the existing lines without reading them.
  bool append = false;
  // Keep the existing lines and read them: past().
  bool go_on = false;
  // No job will run: a killed run's jobs are left alone.
  bool only_reads = false;
  // Peak memory and CPU time at the end of each line.
  bool with_usage = false;
};

struct LogEntry {
  std::uint64_t seq = 0;
  std::uint64_t key = 0;
  bool has_key = false;
  double started_at = 0, wall_s = 0;
  std::int64_t sent = 0, received = 0;  // bytes of standard input, of standard output
  int status = 0, signal = 0;
  std::string_view command{};
  double user_s = 0, system_s = 0;
  std::int64_t max_rss_kb = 0;
};

// A job to run again, as recorded in the log.
struct FailedJob {
  std::uint64_t seq = 0;
  std::uint64_t key = 0;
  bool has_key = false;
  std::string command;
  // Bytes of a block that it read, which the log does not have.
  std::int64_t sent = 0;
};

class Joblog {
 public:
  static Result<std::unique_ptr<Joblog>> open(JoblogOptions options);
  ~Joblog();
  Joblog(const Joblog&) = delete;
  Joblog& operator=(const Joblog&) = delete;

  PastJobs& past() { return past_; }
  // The jobs whose last line records a failure, in order of their numbers.
  const std::vector<FailedJob>& failed() const { return failed_; }
  KeyFile& keys() { return keys_; }  // not open: nothing is locked

  // From now on jobs may run. What they make becomes durable in the background, and then their lines do.
  Result<void> begin_jobs(const std::string& run, int watchdog);
  // A job writes into this folder. Call it before the commit of the job's line.
  void made_in(std::string_view path);
  // All jobs have ended. Waits for the disk up to a second.
  void finish();

  void add(const LogEntry& entry);
  Result<void> commit();

 private:
  explicit Joblog(JoblogOptions options) : options_(std::move(options)) {}
  Result<void> open_file();
  Result<void> write_header();
  Result<void> read();
  Result<void> cut(std::size_t size);
  Result<void> cut_unsafe();

  JoblogOptions options_;
  int fd_ = -1;
  KeyFile keys_;
  PastJobs past_;
  std::vector<FailedJob> failed_;
  std::string lines_;
  std::int64_t size_ = 0;
  std::unique_ptr<os::DiskSyncer> syncer_;  // set while jobs may run
};

}  // namespace furrow::command
