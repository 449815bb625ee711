// Random numbers that depend on nothing but their address: (seed, stream, index, numbers drawn before).
//
//   furrow::Philox random(seed, stream, index);
//   double x = random.uniform01();
//   std::shuffle(v.begin(), v.end(), random);     // it is a UniformRandomBitGenerator
//
// The generator is Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"). Any two
// different addresses give unrelated numbers, so each task of each map has a stream of its own, and draws the
// same numbers wherever and whenever it runs. Draws 4b to 4b+3 are the four words of the block with
//
//   key = {seed, stream}    counter = {b + 1, 0, index, 0}
//
// as in numpy: np.random.Philox(key=[seed, stream], counter=[0, 0, index, 0]).random_raw() (with arrays of
// uint64 if a number is 2^63 or more). A stream holds 2^66 draws. Not for cryptography.
//
// The functions below give the same numbers with every standard library. The distributions of <random> do
// not, but work with this generator too.
//
// Thread-safety: none; use one generator for each thread. A copy continues from where the original was. No
// errors, no allocation; making one costs almost nothing.
#pragma once

#include <cstdint>

#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE {

class FURROW_API Philox {
 public:
  using result_type = std::uint64_t;

  explicit Philox(std::uint64_t seed = 0, std::uint64_t stream = 0, std::uint64_t index = 0)
      : seed_(seed), stream_(stream), index_(index) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }

  result_type operator()() {
    if (left_ == 0) refill();
    return words_[4 - left_--];
  }

  void discard(unsigned long long count);  // skips COUNT draws, in constant time

  // In [0, 1), a multiple of 2^-53. One draw. numpy's Generator.random() gives the same.
  double uniform01() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

  // From the normal distribution with mean 0 and standard deviation 1. One draw: the inverse of the
  // distribution function, to about 16 digits; never beyond 8.3.
  double normal();

  // In [0, n), each equally likely; n = 0 stands for 2^64. One draw, very rarely more.
  std::uint64_t below(std::uint64_t n);

  // Whether both generators will give the same numbers from here on.
  friend bool operator==(const Philox& a, const Philox& b) {
    return a.seed_ == b.seed_ && a.stream_ == b.stream_ && a.index_ == b.index_ && a.blocks_ == b.blocks_ &&
           a.left_ == b.left_;
  }

 private:
  void refill();

  std::uint64_t seed_, stream_, index_;
  std::uint64_t blocks_ = 0;     // blocks made so far; also the number of the next block
  std::uint64_t words_[4] = {};  // of the last block
  unsigned left_ = 0;            // words of the last block that were not drawn yet: 0 to 3
};

}  // namespace FURROW_NAMESPACE
