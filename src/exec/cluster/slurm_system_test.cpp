#include "exec/cluster/slurm_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::exec {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Submission submission() {
  Submission made;
  made.folder = "/p/.furrow/batches/1";
  made.script = made.folder + "/script";
  made.log = made.folder + "/log";
  made.directory = "/p";
  made.name = "furrow-map";
  return made;
}

TEST(SlurmSystem, AsksOnlyForWhatTheJobRequests) {
  const std::string bare = sbatch_command(submission());
  for (const char* option : {"--mem", "--time", "--partition", "--account", "--array", "--cpus-per-task"})
    EXPECT_THAT(bare, Not(HasSubstr(option)));
  EXPECT_THAT(bare, HasSubstr("--no-requeue"));
  Submission made = submission();
  made.allocation = {.cores = 4, .memory_mb = 2000, .runtime_min = 90, .nodes = 2, .tasks = 16};
  made.allocation.partition = "long; rm -rf";
  made.allocation.account = "me";
  made.allocation.extra = "--qos=high --gres='gpu:1'";
  const std::string command = sbatch_command(made);
  for (const char* option : {"--cpus-per-task=4", "--mem=2000", "--time=90", "--nodes=2", "--ntasks=16",
                             "--partition='long; rm -rf'", "--account=me", " --qos=high --gres='gpu:1' "})
    EXPECT_THAT(command, HasSubstr(option));
}

TEST(SlurmSystem, EachTaskOfAnArrayHasItsOwnLog) {
  Submission made = submission();
  made.batches = 12;
  made.left_out = {"n2", "n3"};
  EXPECT_THAT(sbatch_command(made), HasSubstr("--exclude=n2,n3"));
  EXPECT_THAT(sbatch_command(made), HasSubstr("--array=0-11"));
  EXPECT_THAT(sbatch_command(made), HasSubstr("log.%a"));
}

TEST(SlurmSystem, APercentSignInThePathOfALogIsNoPattern) {
  Submission made = submission();
  made.log = "/p/100%j/.furrow/batches/1/log";
  EXPECT_THAT(sbatch_command(made), HasSubstr("--output=/p/100%%j/.furrow/batches/1/log"));
}

TEST(SlurmSystem, ReadsTheJobNumberThatSbatchPrints) {
  EXPECT_EQ(read_sbatch("123\n"), "123");
  EXPECT_EQ(read_sbatch("123;cluster\n"), "123;cluster");
  EXPECT_EQ(read_sbatch("a message of the site\nSubmitted batch job 77\n"), "77");
  EXPECT_EQ(read_sbatch("Submitted batch job 77 on cluster c\n"), "77;c");
  EXPECT_EQ(read_sbatch("error\n"), "");
  EXPECT_EQ(read_sbatch(""), "");
}

TEST(SlurmSystem, ReadsTheQueue) {
  const BatchStates states =
      read_states("12_3|RUNNING|n1\n13|PENDING|\n14|TIMEOUT|n[1-2]\nnonsense\n15|NEW_STATE|n1\n");
  ASSERT_EQ(states->size(), 4u);
  EXPECT_EQ(states->at("12_3").phase, BatchState::Phase::kRunning);
  EXPECT_EQ(states->at("12_3").node, "n1");
  EXPECT_EQ(states->at("13").phase, BatchState::Phase::kWaiting);
  EXPECT_EQ(states->at("14").phase, BatchState::Phase::kEnded);
  EXPECT_EQ(states->at("14").reason, "TIMEOUT");
}

TEST(SlurmSystem, ABatchOfAnotherClusterIsNamedWithIt) {
  const BatchStates states =
      read_states("13|PENDING|\nCLUSTER: large\n13|RUNNING|n1\n14_2|CANCELLED by 0|n2\n");
  EXPECT_EQ(states->at("13").phase, BatchState::Phase::kWaiting);
  EXPECT_EQ(states->at("13;large").phase, BatchState::Phase::kRunning);
  EXPECT_EQ(states->at("14_2;large").ended_by, BatchState::EndedBy::kUser);
  os::EventLoop loop;
  const SlurmSystem slurm(loop);
  EXPECT_EQ(slurm.batch_name("14;large", 2, 3), "14_2;large");
  EXPECT_EQ(slurm.batch_name("14", 2, 3), "14_2");
  EXPECT_EQ(slurm.full_name("14_1", "14_2;large"), "14_1;large");
  EXPECT_EQ(slurm.full_name("14_1", "14_2"), "14_1");
}

TEST(SlurmSystem, KnowsWhoHasEndedABatch) {
  const BatchStates states = read_states("1|NODE_FAIL|\n2|PREEMPTED|\n3|CANCELLED|\n4|FAILED|\n5|TIMEOUT|\n");
  EXPECT_EQ(states->at("1").ended_by, BatchState::EndedBy::kNode);
  EXPECT_EQ(states->at("2").ended_by, BatchState::EndedBy::kPreemption);
  EXPECT_EQ(states->at("3").ended_by, BatchState::EndedBy::kUser);
  EXPECT_EQ(states->at("4").ended_by, BatchState::EndedBy::kJob);
  EXPECT_EQ(states->at("5").ended_by, BatchState::EndedBy::kJob);
}

TEST(SlurmSystem, TellsAFullQueueFromARefusal) {
  EXPECT_TRUE(is_full({1, "", "sbatch: error: QOSMaxSubmitJobPerUserLimit\n"}));
  EXPECT_TRUE(is_full({1, "", "sbatch: error: AssocGrpSubmitJobsLimit\n"}));
  EXPECT_FALSE(is_full({1, "", "sbatch: error: QOSMaxWallDurationPerJobLimit\n"}));
}

TEST(SlurmSystem, ReadsArraySizeAndNodeSizes) {
  const SystemFigures figures =
      read_figures("MaxArraySize            = 1001\nMaxDBDMsgs = 20012\n", "4|4000\n2|8000+\n");
  EXPECT_EQ(figures.max_array, 1000u);
  EXPECT_EQ(figures.node_cores, 2);
  EXPECT_EQ(figures.node_memory_mb, 4000);
  EXPECT_EQ(read_figures("", "").max_array, 0u);
}

TEST(SlurmSystem, ReadsTheTimeLimitsOfPartitions) {
  const TimeLimits limits =
      read_figures("",
                   "4|4000|main*|2:00:00\n4|4000|long|7-00:00:00\n4|4000|short|5:00\n4|4000|any|infinite\n")
          .time_limits_min;
  EXPECT_EQ(limits, (TimeLimits{{"", 120}, {"main", 120}, {"long", 7 * 1440}, {"short", 5}}));
}

TEST(SlurmSystem, TellsASilentControllerFromARefusal) {
  EXPECT_TRUE(is_away({1, "",
                       "sbatch: error: Batch job submission failed: Unable to contact slurm controller "
                       "(connect failure)\n"}));
  EXPECT_TRUE(is_away(
      {1, "", "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n"}));
  EXPECT_TRUE(is_away({-1, "", ""}));
  EXPECT_FALSE(
      is_away({1, "", "sbatch: error: Batch job submission failed: Invalid partition name specified\n"}));
  EXPECT_FALSE(is_away({127, "", "sh: sbatch: not found\n"}));
}

}  // namespace
}  // namespace furrow::exec
