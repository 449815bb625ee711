#include "mpi_pool/launcher.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>
#include <vector>

namespace furrow::mpi_pool {
namespace {

class ForeignLauncher : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "PMI_SIZE", "PMI_RANK",
                             "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"})
      ::unsetenv(name);
  }
  void TearDown() override { SetUp(); }
  static void set(const std::vector<std::pair<const char*, const char*>>& variables) {
    for (const auto& [name, value] : variables) ::setenv(name, value, 1);
  }
};

TEST_F(ForeignLauncher, APlainStartIsOneRank) { EXPECT_EQ(foreign_launcher(1), ""); }

TEST_F(ForeignLauncher, IsTheOneWhoseRanksAreAlone) {
  set({{"PMI_SIZE", "3"}, {"PMI_RANK", "0"}});
  EXPECT_NE(foreign_launcher(1).find("PMI_SIZE"), std::string::npos);
  EXPECT_NE(foreign_launcher(1).find("3 times"), std::string::npos);
  EXPECT_EQ(foreign_launcher(3), "") << "MPI knows the others";
}

TEST_F(ForeignLauncher, MayStartOneRank) {
  set({{"PMI_SIZE", "1"}, {"PMI_RANK", "0"}});
  EXPECT_EQ(foreign_launcher(1), "");
}

TEST_F(ForeignLauncher, TheInnermostLauncherCounts) {
  set({{"PMI_SIZE", "3"}, {"PMI_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}, {"OMPI_COMM_WORLD_RANK", "0"}});
  EXPECT_EQ(foreign_launcher(1), "");
}

TEST_F(ForeignLauncher, SrunWithoutMpiIsRefusedToo) {
  set({{"SLURM_STEP_NUM_TASKS", "4"}});
  EXPECT_EQ(foreign_launcher(1), "") << "a script of sbatch";
  set({{"SLURM_PROCID", "2"}});
  EXPECT_NE(foreign_launcher(1).find("srun"), std::string::npos);
}

}  // namespace
}  // namespace furrow::mpi_pool
