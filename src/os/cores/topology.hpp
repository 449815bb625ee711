// The machine's cores and hardware threads, as hwloc finds them.
//
// Loading takes about a millisecond on 2 processors and more on large machines: do it where someone asks, not
// at every start. Thread-safety: const functions may be called by several threads. Binds no thread anywhere.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace furrow::os {

class Topology {
 public:
  // nullopt where hwloc cannot tell. SYNTHETIC describes another machine in hwloc's words, for tests:
  // "package:1 core:4 pu:2".
  static std::optional<Topology> load(const std::string& synthetic = "");

  int threads() const;  // of the machine, whether this process may use them or not
  int cores() const;    // likewise; 0 where the machine tells of none

  // The cores that have at least one of these hardware threads (by the kernel's numbers).
  int cores_of(const std::vector<int>& threads) const;

 private:
  struct Closer {
    void operator()(void* topology) const;
  };
  explicit Topology(void* topology) : topology_(topology) {}

  std::unique_ptr<void, Closer> topology_;
};

}  // namespace furrow::os
