// The base of the contract suite: one set of tests for every backend.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "capabilities.hpp"
#include "shared_counters.hpp"

namespace furrow::testing {

class PoolContract : public ::testing::TestWithParam<Capabilities> {
 protected:
  const Capabilities& can() const { return GetParam(); }
  Pool make(PoolOptions options = {}) const { return Pool(can().backend, std::move(options)); }
  static std::vector<int> numbers(int count) {
    std::vector<int> made(static_cast<std::size_t>(count));
    std::iota(made.begin(), made.end(), 0);
    return made;
  }
};

inline void sleep_ms(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

}  // namespace furrow::testing

// Each file of the suite uses this once to run its tests on every backend.
#define FURROW_ON_EVERY_BACKEND(suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(On, suite, ::testing::ValuesIn(::furrow::testing::all_backends()), \
                           [](const auto& each) { return each.param.label(); })
