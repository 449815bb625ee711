// The timeline of one map in Chrome's trace format (https://ui.perfetto.dev opens it): a lane for each
// worker, with chunks as slices, and failures and replaced workers as marks.
//
// Events are written as they come to a temporary file beside the target, which is renamed at the end. So
// memory is bounded, and a path that cannot be written is refused before the map starts. There are only a few
// kinds of events, so they are written without a JSON library.
//
// Any thread may report events; finish() comes after the last one.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "os/files/replacing_file.hpp"
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
  void add(int worker, const std::string& event);
  void mark(int worker, const std::string& name, const std::string& arguments);
  double since_start_us(std::int64_t time_ns) const;

  const std::int64_t began_ns_;
  const std::uint64_t block_, items_;
  std::unique_ptr<os::ReplacingFile> file_;
  std::mutex mutex_;  // guards all below
  std::string buffer_;
  std::set<int> named_workers_;
  Result<void> state_{};  // the first error of writing; nothing is written after it
};

}  // namespace furrow::pool
