// What goes on beside a map while it runs, as its options ask for it: progress, a trace, a resume file.
//
// Made before the map starts, on the thread that called it; finish() comes after the last chunk. Where the
// map ends by an exception instead, the destructor finishes as well as it can.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <thread>

#include "furrow/backend.hpp"
#include "pool/map/map_run.hpp"
#include "pool/map/progress_bar.hpp"
#include "pool/map/resume_file.hpp"
#include "pool/map/trace.hpp"

namespace furrow::pool {

class MapSession final : public MapObserver {
 public:
  // RUN is borrowed, is given observers and a tick, and may be left with less to do. Throws PoolError where
  // something cannot be had: nothing was run then.
  MapSession(MapRun& run, BackendKind backend);
  ~MapSession() override;

  // Throws what a progress callback threw, and where results could not be kept.
  void finish();
  void rethrow();  // what a progress callback threw, once
  // Does what is due; at most about ten times a second. For the caller's thread.
  void tick();

  // On the caller's thread, where that works itself, chunks are the time to tick.
  void on_chunk(const ChunkDone& chunk) override;
  void on_failure(const Failure&, int) override {}

 private:
  ProgressUpdate progress() const;
  void report_progress();
  void end_trace();

  MapRun& run_;
  const std::thread::id caller_ = std::this_thread::get_id();
  const std::int64_t began_ns_;
  std::int64_t ticked_ns_;
  std::unique_ptr<Trace> trace_;
  std::unique_ptr<ResumeFile> resume_;
  std::optional<ProgressBar> bar_;
  std::uint64_t restored_ = 0;  // units
  std::exception_ptr callback_error_{};
  bool finished_ = false;
};

}  // namespace furrow::pool
