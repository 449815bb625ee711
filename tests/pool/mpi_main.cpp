// Runs the contract suite over MPI: rank 0 runs the tests, the other ranks serve all of its Pools.
#include <gtest/gtest.h>

#include "furrow/mpi.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (!GTEST_FLAG_GET(list_tests)) furrow::Pool{furrow::mpi(2)};
  return RUN_ALL_TESTS();
}
