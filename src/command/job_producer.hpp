// Produces the jobs of a `furrow map` one by one, from values, blocks of a stream or parts of a file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "command/arguments.hpp"
#include "command/input/input_source.hpp"
#include "command/input/record_splitter.hpp"
#include "command/job_key.hpp"
#include "command/log/joblog.hpp"
#include "plan/executor.hpp"

namespace furrow::command {

// A job, from the input to the log.
struct MapJob {
  Arguments values;
  std::uint64_t seq = 0;
  std::uint64_t key = 0;
  bool has_key = false;
  JobIdentity identity;
  // 0: it does not run.
  unsigned slot = 0;
  // As it was started.
  std::string command{};
  // The files that it makes; empty if the user names none.
  std::vector<std::string> outputs{};
  // Why it must not start; empty if it may.
  std::string refusal{};
  // A block of a stream (--pipe).
  Block block{};
  // The index of a part of the files (--pipe-part).
  std::size_t part = 0;
  std::int64_t input_size = 0;
  // Files, if the output is not captured.
  plan::Launch::Stream output{}, errors{};
};

class JobProducer {
 public:
  virtual ~JobProducer() = default;
  // Like InputSource::next. Sets the input of JOB, including `values.identity` if it is needed.
  virtual Result<Pull> next(MapJob& job) = 0;
  virtual int descriptor() const = 0;
  // The standard input of an attempt that starts now; null: none.
  virtual Result<plan::Launch::Stream> input(MapJob& /*job*/) { return plan::Launch::Stream{}; }
  virtual void ended(const MapJob& /*job*/) {}  // ends the attempt that started last
};

// One job for each set of values; with identities if they are needed.
class ValueProducer final : public JobProducer {
 public:
  ValueProducer(std::unique_ptr<InputSource> inputs, bool with_identities);
  Result<Pull> next(MapJob& job) override;
  int descriptor() const override { return inputs_->descriptor(); }

 private:
  std::unique_ptr<InputSource> inputs_;
  std::unique_ptr<JobIdentities> identities_;
};

// The jobs that failed before, with their commands from the log: each command is the one value of its job.
class FailedJobProducer final : public JobProducer {
 public:
  explicit FailedJobProducer(std::vector<FailedJob> jobs) : jobs_(std::move(jobs)) {}
  Result<Pull> next(MapJob& job) override;
  int descriptor() const override { return -1; }

 private:
  std::vector<FailedJob> jobs_;
  std::size_t next_ = 0;
};

}  // namespace furrow::command
