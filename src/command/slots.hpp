// The slots in which jobs run, numbered from 1; the lowest free one is taken first.
#pragma once

#include <functional>
#include <queue>
#include <vector>

namespace furrow::command {

class Slots {
 public:
  unsigned take() {
    if (free_.empty()) return ++most_;
    const unsigned slot = free_.top();
    free_.pop();
    return slot;
  }
  void give_back(unsigned slot) { free_.push(slot); }

 private:
  std::priority_queue<unsigned, std::vector<unsigned>, std::greater<>> free_;
  unsigned most_ = 0;
};

}  // namespace furrow::command
