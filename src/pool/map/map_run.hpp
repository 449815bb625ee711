// One map under way: what was asked, and what became of it so far. The backends work on it; it decides
// nothing about who does what.
//
// Workers of this process call failed(), begin_watch(), end_watch(), record() and chunk_done() at the same
// time; the rest belongs to the thread that called the map.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "furrow/detail/map_call.hpp"
#include "furrow/options.hpp"
#include "pool/map/range_board.hpp"
#include "pool/task/watchdog.hpp"

namespace furrow::pool {

// A stretch of units that one worker has done. Times are of the steady clock.
struct ChunkDone {
  int worker = 0;
  Span units{};  // of the map, not places
  std::int64_t began_ns = 0;
  std::int64_t ended_ns = 0;
};

// Hears of a map while it runs: progress, trace, resume file. Any worker's thread; must be safe from several.
class MapObserver {
 public:
  virtual ~MapObserver() = default;
  virtual void on_chunk(const ChunkDone& chunk) = 0;
  virtual void on_failure(const Failure& failure, int worker) = 0;
  virtual void on_restart(int /*worker*/) {}  // a worker process was replaced
};

class MapRun : public detail::TaskHost {
 public:
  // CALL, OPTIONS and WATCHDOG are borrowed. KEEP_ALL: every failure is wanted, not only the first one.
  MapRun(const detail::MapCall& of_call, const MapOptions& with_options, Watchdog& watchdog, bool keep_all)
      : call(of_call), options(with_options), watchdog_(watchdog), keep_all_(keep_all) {}

  const detail::MapCall& call;
  const MapOptions& options;
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
  int share = 1;                          // cores for a Pool inside a task
  std::vector<MapObserver*> observers{};  // borrowed
  // where there is one, the caller's thread has to call it about ten times a second
  std::function<void()> tick{};

  detail::AfterFailure failed(detail::TaskScope& scope, std::uint64_t unit) override;
  std::stop_token begin_watch(detail::TaskScope& scope) override;
  void end_watch(detail::TaskScope& scope) override;

  // Only these units are to be run, in this order; all of them where this is never called.
  void only(std::vector<Span> units);
  // How many units are to be run. The backends share out places 0 to todo() - 1...
  std::uint64_t todo() const { return only_ ? places_.back() : call.size; }
  // ...and PIECE(begin, end) is called for the stretches of units behind some places.
  template <class Piece>
  void for_units(Span places, const Piece& piece) const {
    if (!only_) {
      piece(places.begin, places.end);
      return;
    }
    for (std::size_t i = span_of(places.begin); places.begin < places.end; ++i) {
      const std::uint64_t stop = std::min(places.end, places_[i + 1]);
      piece(units_[i].begin + (places.begin - places_[i]), units_[i].begin + (stop - places_[i]));
      places.begin = stop;
    }
  }

  // An item that failed for good.
  void record(Failure failure, int worker);
  // An item without a result since the map was stopped: no reason of anything, but observers hear of it.
  void leave(const Failure& failure, int worker);
  // All of the chunk's units were run; results are stored, and failures were recorded before.
  void chunk_done(const ChunkDone& chunk);
  // The part of UNITS that was run: a stretch is given up after a failure when the map has been stopped.
  static Span ran(const detail::TaskScope& scope, Span units);
  // Whether nothing new should start; asks running tasks to stop, where they can be asked.
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  void stop();

  std::uint64_t units_done() const { return done_.load(std::memory_order_relaxed); }
  std::uint64_t failures() const { return failed_.load(std::memory_order_relaxed); }
  // Takes out the failure of one item, of which all are kept; false where it did not fail. From any thread.
  bool take_failure(std::uint64_t index, Failure& failure);
  // After the end, by index; only the lowest where not all were wanted.
  std::vector<Failure> take_failures();

 private:
  std::size_t span_of(std::uint64_t place) const;

  Watchdog& watchdog_;
  const bool keep_all_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::mutex mutex_;
  std::vector<Failure> kept_;
  bool only_ = false;
  std::vector<Span> units_{};            // those to be run
  std::vector<std::uint64_t> places_{};  // of the first unit of each; at the end, how many there are
};

}  // namespace furrow::pool
