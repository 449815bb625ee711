// Counters that tasks of every backend can change, worker processes too.
#pragma once

#include <atomic>
#include <cstddef>
#include <new>

#include "os/shared_memory.hpp"

namespace furrow::testing {

class SharedCounters {
 public:
  explicit SharedCounters(std::size_t count)
      : memory_(os::SharedMemory::create(count * sizeof(std::atomic<int>)).value()) {
    counters_ = ::new (memory_.data()) std::atomic<int>[count] {};
  }
  std::atomic<int>& operator[](std::size_t i) const { return counters_[i]; }

 private:
  os::SharedMemory memory_;
  std::atomic<int>* counters_ = nullptr;
};

}  // namespace furrow::testing
