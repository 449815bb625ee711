// What the jobs of a `furrow map` are about, one after the other: values, blocks of a stream, parts of a
// file.
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

// A job on its way from the input to the log.
struct MapJob {
  Arguments values;
  std::uint64_t seq = 0;
  std::uint64_t key = 0;
  bool has_key = false;
  JobIdentity identity;
  unsigned slot = 0;                   // 0: it does not run
  std::string command{};               // as it was started
  std::vector<std::string> outputs{};  // files that it makes; none where nobody says
  Block block{};                       // of a stream
  std::size_t part = 0;                // of the files that are split
  std::int64_t input_size = 0;
  plan::Launch::Stream output{}, errors{};  // files in place of captured output
};

class JobFeed {
 public:
  virtual ~JobFeed() = default;
  // As InputSource::next. Sets what the job is about, `values.identity` included where it is asked for.
  virtual Result<Pull> next(MapJob& job) = 0;
  virtual int descriptor() const = 0;
  // The standard input of an attempt that starts now; null: none.
  virtual Result<plan::Launch::Stream> input(MapJob& /*job*/) { return plan::Launch::Stream{}; }
  virtual void ended(const MapJob& /*job*/) {}  // the attempt that started last
};

// One job for each set of values; with identities where they are needed.
class ValueFeed final : public JobFeed {
 public:
  ValueFeed(std::unique_ptr<InputSource> inputs, bool with_identities);
  Result<Pull> next(MapJob& job) override;
  int descriptor() const override { return inputs_->descriptor(); }

 private:
  std::unique_ptr<InputSource> inputs_;
  std::unique_ptr<JobIdentities> identities_;
};

// The jobs that failed before, as their log has them: each the one value of its job.
class FailedFeed final : public JobFeed {
 public:
  explicit FailedFeed(std::vector<FailedJob> jobs) : jobs_(std::move(jobs)) {}
  Result<Pull> next(MapJob& job) override;
  int descriptor() const override { return -1; }

 private:
  std::vector<FailedJob> jobs_;
  std::size_t next_ = 0;
};

}  // namespace furrow::command
