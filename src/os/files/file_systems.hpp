// The file systems on which some files lie, to be synced together. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

namespace furrow::os {

class FileSystems {
 public:
  // A link is followed. What is gone counts as its folder.
  void add(std::string path);
  // All that was written to them is on the disk. EVERYTHING: to every file system.
  bool sync(bool everything = false) const;

 private:
  std::string last_;
  std::set<dev_t> devices_;
  std::vector<std::string> paths_;
};

}  // namespace furrow::os
