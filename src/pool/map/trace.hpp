// The timeline of one map in Chrome's trace format (https://ui.perfetto.dev opens it): a lane for each
// worker, chunks as slices, failures and replaced workers as marks.
//
// Events go to a temporary file beside the target as they come, which takes the target's name at the end; so
// memory is bounded, and a path that cannot be written is known before the map starts. The few fixed shapes
// of events are written by hand: no JSON library is worth a dependency here.
//
// Any thread may report events; finish() comes after the last one.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "os/files/replacing_file.hpp"
#include "pool/map/map_run.hpp"

namespace furrow::pool {

class Trace final : public MapObserver {
 public:
  // BACKEND names the whole timeline. BLOCK: items in a unit. Throws PoolError where PATH cannot be written.
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
  std::set<int> lanes_;
  Result<void> state_{};  // of writing; nothing is written after an error
};

}  // namespace furrow::pool
