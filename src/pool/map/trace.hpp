// The timeline of one map (os/files/trace_file.hpp): a track for each worker, with chunks as slices, and failures and
// replaced workers as marks.
//
// Any thread may report events; finish() comes after the last one.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "os/files/trace_file.hpp"
#include "pool/map/running_map.hpp"

namespace furrow::pool {

class Trace final : public MapObserver {
 public:
  // BACKEND names the whole timeline. Throws PoolError if PATH cannot be written.
  Trace(const std::string& path, const std::string& backend, const detail::MapCall& call);

  void on_chunk(const ChunkDone& chunk) override;
  void on_failure(const Failure& failure, int worker) override;
  void on_restart(int worker) override;
  Result<void> finish();

 private:
  void mark(int worker, const std::string& name, const os::TraceArguments& arguments);
  double since_start_us(std::int64_t time_ns) const;

  const std::int64_t began_ns_;
  const std::uint64_t block_, items_;
  std::mutex mutex_;  // guards all below
  std::unique_ptr<os::TraceFile> file_;
};

}  // namespace furrow::pool
