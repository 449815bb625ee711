// Brings appended files to the disk in the background, so that a power cut costs the last moments and nobody
// waits for a slow disk.
//
// States: clean -> dirty (the owner wrote) -> syncing (the thread) -> clean or dirty. One mutex guards them.
// Destruction syncs what is dirty and joins.
#pragma once

#include <memory>
#include <vector>

namespace furrow::os {

class FileSyncer {
 public:
  FileSyncer(std::vector<int> descriptors, double interval_s);  // borrowed; at most one round an interval
  ~FileSyncer();
  FileSyncer(const FileSyncer&) = delete;
  FileSyncer& operator=(const FileSyncer&) = delete;

  void written();  // cheap

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace furrow::os
