// The running median of a sequence of numbers.
#pragma once

#include <functional>
#include <queue>
#include <vector>

namespace furrow::command {

class Median {
 public:
  void add(double value) {
    if (low_.empty() || value <= low_.top()) {
      low_.push(value);
    } else {
      high_.push(value);
    }
    if (low_.size() > high_.size() + 1) {
      high_.push(low_.top());
      low_.pop();
    } else if (high_.size() > low_.size()) {
      low_.push(high_.top());
      high_.pop();
    }
  }
  bool empty() const { return low_.empty(); }
  double value() const { return low_.size() > high_.size() ? low_.top() : (low_.top() + high_.top()) / 2; }

 private:
  std::priority_queue<double> low_;  // the smaller half, largest first
  std::priority_queue<double, std::vector<double>, std::greater<>> high_;
};

}  // namespace furrow::command
