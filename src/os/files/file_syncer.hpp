// Syncs files that are appended to, in the background: a power cut loses only the last moments, and nobody
// waits for a slow disk.
//
// States: clean -> dirty (the owner wrote) -> syncing (by the thread) -> clean or dirty. One mutex guards
// them. The destructor syncs what is dirty and joins the thread.
#pragma once

#include <memory>
#include <vector>

namespace furrow::os {

class FileSyncer {
 public:
  // Borrows the descriptors; syncs them at most once per interval.
  FileSyncer(std::vector<int> descriptors, double interval_s);
  ~FileSyncer();
  FileSyncer(const FileSyncer&) = delete;
  FileSyncer& operator=(const FileSyncer&) = delete;

  void written();  // call it after each write; cheap

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace furrow::os
