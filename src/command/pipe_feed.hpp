// Jobs that get a piece of a stream or of files as their standard input: --pipe, --pipe-part.
//
// What fits into a pipe is there before the job starts: nobody has to feed it. A larger piece is passed on by
// a thread: of a stream from an unnamed file in memory, of a file from there.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "command/input/record_splitter.hpp"
#include "command/job_feed.hpp"
#include "os/files/range_pipe.hpp"

namespace furrow::command {

// The threads that feed running jobs, by the jobs' numbers.
using Feeders = std::unordered_map<std::uint64_t, std::unique_ptr<os::RangePipe>>;

class PipeFeed final : public JobFeed {
 public:
  PipeFeed(int fd, SplitOptions options, bool with_identities);  // borrows FD
  Result<Pull> next(MapJob& job) override;
  int descriptor() const override { return splitter_.descriptor(); }
  Result<plan::Launch::Stream> input(MapJob& job) override;
  void ended(const MapJob& job) override { feeders_.erase(job.seq); }

 private:
  RecordSplitter splitter_;
  Feeders feeders_;
  std::unique_ptr<JobIdentities> identities_;
};

class PartFeed final : public JobFeed {
 public:
  // BLOCKS_PER_SLOT: in place of a size; 0: the size counts.
  static Result<std::unique_ptr<PartFeed>> open(const std::vector<std::string>& paths, SplitOptions options,
                                                std::uint64_t blocks);
  Result<Pull> next(MapJob& job) override;
  int descriptor() const override { return -1; }
  Result<plan::Launch::Stream> input(MapJob& job) override;
  void ended(const MapJob& job) override { feeders_.erase(job.seq); }
  std::uint64_t total() const { return parts_.size(); }

 private:
  struct Part {
    std::size_t file;
    FileRange range;
  };
  PartFeed() = default;

  std::vector<plan::Launch::Stream> files_;
  std::vector<std::string> paths_, heads_;
  std::vector<Part> parts_;
  std::size_t next_ = 0;
  Feeders feeders_;
};

}  // namespace furrow::command
