#include "exec/cluster/outer_job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::exec {
namespace {

using ::testing::ElementsAre;

TEST(OuterJob, LeavesTheEnvironmentAloneOutsideOfJobs) {
  EXPECT_THAT(without_outer_job({"SLURM_MEM_PER_NODE=4", "CUDA_VISIBLE_DEVICES=1", "A=b"}),
              ElementsAre("SLURM_MEM_PER_NODE=4", "CUDA_VISIBLE_DEVICES=1", "A=b"));
}

TEST(OuterJob, TakesAwayWhatTheJobHasSetForItself) {
  EXPECT_THAT(without_outer_job({"SLURM_JOB_ID=7", "SLURM_ARRAY_JOB_ID=6", "SLURM_ARRAY_TASK_ID=1",
                                 "SLURM_MEM_PER_CPU=50", "SLURMD_NODENAME=n1", "CUDA_VISIBLE_DEVICES=1",
                                 "SBATCH_CPU_BIND=none", "PMI_RANK=0", "TMPDIR=/x"}),
              ElementsAre("TMPDIR=/x"));
}

TEST(OuterJob, KeepsWhatTheUserSaysToAllCommands) {
  EXPECT_THAT(without_outer_job({"SLURM_JOBID=7", "SLURM_CONF=/etc/x", "SLURM_CLUSTERS=a",
                                 "SBATCH_ACCOUNT=me", "SQUEUE_FORMAT=%i"}),
              ElementsAre("SLURM_CONF=/etc/x", "SLURM_CLUSTERS=a", "SBATCH_ACCOUNT=me", "SQUEUE_FORMAT=%i"));
}

}  // namespace
}  // namespace furrow::exec
