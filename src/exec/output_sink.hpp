// Where the captured output of an attempt goes once it has ended: shown whole, never mixed with another's.
#pragma once

#include <cstdint>
#include <string_view>

#include "plan/job_graph.hpp"

namespace furrow::exec {

// What one stream of an attempt holds: first a file, where it is long, then the rest in memory.
struct CapturedStream {
  int file = -1;  // read from its beginning
  std::int64_t file_size = 0;
  std::int64_t lost = 0;  // bytes between the two that could not be kept: the disk is full
  std::string_view rest{};
  bool empty() const { return file_size == 0 && lost == 0 && rest.empty(); }
};

// What one attempt printed; it belongs to the executor and is valid during the call.
struct CapturedOutput {
  plan::JobId job = plan::kNoJob;
  int attempt = 1;
  CapturedStream out{};  // of both streams, in the order in which they were written, where they are one
  CapturedStream err{};
};

class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void show(const CapturedOutput& output) = 0;  // not called where nothing was printed
  // Whether both streams end in the same place, so that they are captured as one and their order is kept.
  // Must not change.
  virtual bool is_one_stream() const { return false; }
};

// Copies to the engine's own standard output and error. Ignores SIGPIPE in this process: a reader that has
// gone stops the copying, not the run. A reader that does not read is waited for, unless a signal is waiting
// for the engine.
class StandardOutputSink : public OutputSink {
 public:
  explicit StandardOutputSink(int out_fd = 1, int err_fd = 2);  // borrowed
  void show(const CapturedOutput& output) override;
  bool is_one_stream() const override { return is_one_stream_; }

 private:
  int out_fd_;
  int err_fd_;
  bool is_one_stream_;
};

}  // namespace furrow::exec
