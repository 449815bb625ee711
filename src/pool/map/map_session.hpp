// The progress, trace and resume file of one map, as its options ask for them.
//
// Made before the map starts, on the thread that called it; finish() comes after the last chunk. If the map
// ends with an exception, the destructor finishes as well as it can.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <thread>

#include "furrow/backend.hpp"
#include "os/terminal/progress_line.hpp"
#include "pool/map/resume_file.hpp"
#include "pool/map/running_map.hpp"
#include "pool/map/trace.hpp"

namespace furrow::pool {

class MapSession final : public MapObserver {
 public:
  // RUN is borrowed. It gets observers and a tick, and with a resume file may have fewer indices to run.
  // Throws PoolError if a file cannot be opened or does not fit; nothing was run then.
  MapSession(RunningMap& run, BackendKind backend);
  ~MapSession() override;

  // Throws what a progress callback threw, or std::runtime_error if results could not be kept.
  void finish();
  void rethrow();  // throws what a progress callback threw, once
  // Reports progress and flushes the resume file, at most about ten times a second. For the caller's thread.
  void tick();

  // If the caller's thread runs tasks itself, it ticks after each chunk.
  void on_chunk(const ChunkDone& chunk) override;
  void on_failure(const Failure&, int) override {}

 private:
  ProgressUpdate progress() const;
  void report_progress();
  void draw_bar();
  void end_trace();

  RunningMap& run_;
  const std::thread::id caller_ = std::this_thread::get_id();
  const std::int64_t began_ns_;
  std::int64_t ticked_ns_;
  std::unique_ptr<Trace> trace_;
  std::unique_ptr<ResumeFile> resume_;
  std::optional<os::ProgressLine> bar_;
  std::uint64_t restored_ = 0;  // indices
  std::exception_ptr callback_error_{};
  bool finished_ = false;
};

}  // namespace furrow::pool
