// The machine's cores and hardware threads, as hwloc finds them.
//
// Loading takes about a millisecond on 2 processors and longer on large machines: load it on request, not at
// every start. Const functions may be called by several threads. It binds no thread to a core.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace furrow::os {

class Topology {
 public:
  // nullopt if hwloc cannot tell. SYNTHETIC describes another machine in hwloc's syntax, for tests:
  // "package:1 core:4 pu:2".
  static std::optional<Topology> load(const std::string& synthetic = "");

  int threads() const;  // of the whole machine, whether or not this process may use them
  int cores() const;    // likewise; 0 if the machine reports none

  // How many cores have at least one of these hardware threads (by the kernel's numbers).
  int cores_of(const std::vector<int>& threads) const;

 private:
  struct Closer {
    void operator()(void* topology) const;
  };
  explicit Topology(void* topology) : topology_(topology) {}

  std::unique_ptr<void, Closer> topology_;
};

}  // namespace furrow::os
