// Tells whether every number below some number was added exactly once, in constant memory: compares the numbers'
// sum and the sum of their squares with what these should be. Wrong only by a coincidence of two 64-bit words.
#pragma once

#include <cstdint>

namespace furrow::pool {

class PowerSums {
 public:
  // Adds the numbers from BEGIN up to END, without END.
  void add(std::uint64_t begin, std::uint64_t end) noexcept {
    if (end - begin == 1) {
      sum_ += begin;
      squares_ += begin * begin;
      return;
    }
    sum_ += below(end).sum_ - below(begin).sum_;
    squares_ += below(end).squares_ - below(begin).squares_;
  }
  // Those of all numbers below END.
  static PowerSums below(std::uint64_t end) noexcept {
    if (end == 0) return {};
    // n(n - 1)/2 and n(n - 1)(2n - 1)/6, divided before they are multiplied, since they wrap.
    std::uint64_t a = end, b = end - 1, c = a + b;
    (a % 2 == 0 ? a : b) /= 2;
    PowerSums all;
    all.sum_ = a * b;
    (a % 3 == 0 ? a : b % 3 == 0 ? b : c) /= 3;
    all.squares_ = a * b * c;
    return all;
  }
  bool operator==(const PowerSums&) const = default;

 private:
  std::uint64_t sum_ = 0;
  std::uint64_t squares_ = 0;
};

}  // namespace furrow::pool
