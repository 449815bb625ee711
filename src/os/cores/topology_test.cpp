#include "os/cores/topology.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <numeric>

namespace furrow::os {
namespace {

std::vector<int> first_threads(int count) {
  std::vector<int> threads(count);
  std::iota(threads.begin(), threads.end(), 0);
  return threads;
}

TEST(Topology, CountsTheCoresOfThreads) {
  const auto topology = Topology::load("package:2 core:4 pu:2");
  ASSERT_TRUE(topology);
  EXPECT_EQ(topology->threads(), 16);
  EXPECT_EQ(topology->cores(), 8);
  EXPECT_EQ(topology->cores_of(first_threads(16)), 8);
  EXPECT_EQ(topology->cores_of({0, 1}), 1);
  EXPECT_EQ(topology->cores_of({1, 2, 15}), 3);
  EXPECT_EQ(topology->cores_of({}), 0);
  EXPECT_EQ(topology->cores_of({999}), 0);
}

TEST(Topology, ReportsNoCoresWhereTheMachineHasNone) {
  const auto topology = Topology::load("numa:2 pu:4");
  ASSERT_TRUE(topology);
  EXPECT_EQ(topology->threads(), 8);
  EXPECT_EQ(topology->cores(), 0);
}

TEST(Topology, NonsenseIsNoTopology) { EXPECT_FALSE(Topology::load("no such machine")); }

TEST(Topology, LoadingThisMachineMovesNoThread) {
  cpu_set_t before, after;
  ::sched_getaffinity(0, sizeof before, &before);
  const auto topology = Topology::load();
  ::sched_getaffinity(0, sizeof after, &after);
  ASSERT_TRUE(topology);
  EXPECT_GE(topology->threads(), CPU_COUNT(&before));
  EXPECT_LE(topology->cores(), topology->threads());
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

}  // namespace
}  // namespace furrow::os
