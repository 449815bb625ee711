// What the maps and streams of a Pool have done: those that have ended, and those that run.
//
// Thread-safety: any thread may call anything.
#pragma once

#include <mutex>
#include <stop_token>
#include <utility>
#include <vector>

#include "furrow/statistics.hpp"
#include "pool/engine.hpp"
#include "pool/map/running_map.hpp"

namespace furrow::pool {

class Activity {
 public:
  // While it exists, its map is under way. The map must outlive it.
  class Entry {
   public:
    Entry(Activity& activity, RunningMap& run);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    // Asks the map to end when all are stopped.
    std::stop_token stop_token() const { return stop_; }

   private:
    Activity& activity_;
    RunningMap& run_;
    std::stop_token stop_;
  };

  // The source that stops the maps that are under way now.
  std::stop_source take_stop_source();
  PoolStatistics statistics(Engine& engine, const detail::CallHome& calls) const;

 private:
  mutable std::mutex mutex_;
  std::stop_source stop_{};  // of the maps that are under way; a new one after each stop
  std::vector<const RunningMap*> running_{};
  PoolStatistics ended_{};                    // of maps
  mutable std::uint64_t most_completed_ = 0;  // of all snapshots
};

}  // namespace furrow::pool
