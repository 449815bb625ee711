#include "os/cores/share.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace furrow::os {
namespace {

class JobOfSlurm : public ::testing::Test {
 protected:
  JobOfSlurm() { forget(); }
  ~JobOfSlurm() override { forget(); }
  static void forget() {
    for (const char* name : {"SLURMD_NODENAME", "SLURM_CPUS_ON_NODE", "SLURM_CPUS_PER_TASK"})
      ::unsetenv(name);
  }
};

TEST_F(JobOfSlurm, ItsCoresAreTheLimit) {
  ::setenv("SLURMD_NODENAME", "n1", 1);
  EXPECT_EQ(cores_of_job().logical, usable_cores().logical);
  ::setenv("SLURM_CPUS_ON_NODE", "1", 1);
  EXPECT_EQ(cores_of_job().logical, 1);
  EXPECT_EQ(cores_of_job().physical, 1);
  ::setenv("SLURM_CPUS_ON_NODE", "100000", 1);
  EXPECT_EQ(cores_of_job().logical, usable_cores().logical);
}

TEST_F(JobOfSlurm, ALoginNodeIsNotOfTheJob) {
  ::setenv("SLURM_CPUS_ON_NODE", "1", 1);
  EXPECT_EQ(cores_of_job().logical, usable_cores().logical);
}

}  // namespace
}  // namespace furrow::os
