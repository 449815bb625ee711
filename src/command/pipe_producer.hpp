// Jobs that get a block of a stream or a part of a file as their standard input: --pipe, --pipe-part.
//
// Input that fits into a pipe is written to it before the job starts, and needs no thread. A thread passes on
// larger input: a block from an unnamed file in memory, a part from its file.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "command/input/record_splitter.hpp"
#include "command/job_producer.hpp"
#include "os/files/range_pipe.hpp"

namespace furrow::command {

// The threads that write the input of running jobs, by the jobs' numbers.
using RangePipes = std::unordered_map<std::uint64_t, std::unique_ptr<os::RangePipe>>;

class PipeProducer final : public JobProducer {
 public:
  PipeProducer(int fd, SplitOptions options, bool with_identities);  // borrows FD
  Result<Pull> next(MapJob& job) override;
  int descriptor() const override { return splitter_.descriptor(); }
  Result<plan::Launch::Stream> input(MapJob& job) override;
  void ended(const MapJob& job) override { range_pipes_.erase(job.seq); }

 private:
  RecordSplitter splitter_;
  RangePipes range_pipes_;
  std::unique_ptr<JobIdentities> identities_;
};

class PartProducer final : public JobProducer {
 public:
  // BLOCKS is the number of parts, instead of a size; 0: the size decides.
  static Result<std::unique_ptr<PartProducer>> open(const std::vector<std::string>& paths,
                                                    SplitOptions options, std::uint64_t blocks);
  Result<Pull> next(MapJob& job) override;
  int descriptor() const override { return -1; }
  Result<plan::Launch::Stream> input(MapJob& job) override;
  void ended(const MapJob& job) override { range_pipes_.erase(job.seq); }
  std::uint64_t total() const { return parts_.size(); }

 private:
  struct Part {
    std::size_t file;
    FileRange range;
  };
  PartProducer() = default;

  std::vector<plan::Launch::Stream> files_;
  std::vector<std::string> paths_, heads_;
  std::vector<Part> parts_;
  std::size_t next_ = 0;
  RangePipes range_pipes_;
};

}  // namespace furrow::command
