#include "exec/cluster/batch_planner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

namespace furrow::exec {
namespace {

struct Jobs {
  std::deque<ClusterNeeds> needs;
  std::vector<WaitingJob> waiting;

  ClusterNeeds& add(std::int64_t runtime_min, double expected_s = 0, std::int64_t cores = 1,
                    std::int64_t memory_mb = 10) {
    needs.push_back({});
    needs.back().allocation.runtime_min = runtime_min;
    needs.back().allocation.cores = cores;
    needs.back().allocation.memory_mb = memory_mb;
    needs.back().expected_s = expected_s;
    waiting.push_back({&needs.back()});
    return needs.back();
  }
  std::optional<PlannedSubmission> plan(const PlannerOptions& options = {}) const {
    return plan_submission(waiting, options);
  }
};

std::size_t jobs_in(const PlannedSubmission& planned) {
  std::set<std::size_t> indices;
  std::size_t count = 0;
  for (const PlannedBatch& batch : planned.batches) {
    for (const std::size_t index : batch.jobs) indices.insert(index), ++count;
  }
  EXPECT_EQ(indices.size(), count) << "each job once";
  return count;
}

TEST(BatchPlanner, PlansNothingWithoutJobsOrSlots) {
  Jobs jobs;
  EXPECT_FALSE(jobs.plan());
  jobs.add(60);
  EXPECT_FALSE(jobs.plan({.slots = 0}));
}

TEST(BatchPlanner, BatchesKeepToTheTimeLimitOfTheirPartition) {
  Jobs jobs;
  for (int i = 0; i < 40; ++i) jobs.add(4).allocation.partition = "short";
  const auto free = jobs.plan();
  EXPECT_GT(free->allocation.runtime_min, 5);
  const auto planned = jobs.plan({.time_limits_min = {{"", 1}, {"short", 5}}});
  EXPECT_TRUE(planned->is_packed);
  EXPECT_EQ(planned->allocation.runtime_min, 5);
  EXPECT_EQ(planned->batches.size(), 10u) << "four jobs of four minutes each, at the same time";
  EXPECT_EQ(jobs_in(*planned), 40u);
  const auto few = jobs.plan({.slots = 3, .time_limits_min = {{"short", 5}}});
  EXPECT_EQ(few->batches.size(), 3u);
  EXPECT_EQ(jobs_in(*few), 12u) << "the others wait";
}

TEST(BatchPlanner, AJobOverTheTimeLimitAsksForItsTime) {
  Jobs jobs;
  jobs.add(4);
  EXPECT_EQ(jobs.plan({.time_limits_min = {{"", 1}}})->allocation.runtime_min, 4)
      << "Slurm reports the error";
}

TEST(BatchPlanner, ShortJobsShareSeveralNodesIfAllowed) {
  Jobs jobs;
  for (int i = 0; i < 590; ++i) jobs.add(1, 20);
  const PlannerOptions one{.batch_cores = 4}, three{.batch_cores = 4, .batch_nodes = 3};
  EXPECT_EQ(jobs.plan(one)->batches.size(), 5u);
  EXPECT_EQ(jobs.plan(one)->allocation.nodes, 0);
  const auto planned = jobs.plan(three);
  EXPECT_EQ(planned->batches.size(), 2u);
  EXPECT_EQ(planned->allocation.nodes, 3);
  EXPECT_EQ(planned->allocation.tasks, 3);
  EXPECT_EQ(planned->allocation.cores, 4) << "of each node";
  EXPECT_EQ(planned->allocation.memory_mb, 140) << "of each node, including the memory of a rank";
  EXPECT_EQ(planned->allocation.runtime_min, 26) << "295 jobs of a minute on 12 cores, and the longest";
}

TEST(BatchPlanner, FewJobsUseOnlyTheNodesTheyFill) {
  Jobs jobs;
  for (int i = 0; i < 6; ++i) jobs.add(1);
  EXPECT_EQ(jobs.plan({.batch_cores = 4, .batch_nodes = 9})->allocation.nodes, 2);
  Jobs two;
  for (int i = 0; i < 2; ++i) two.add(1);
  EXPECT_EQ(two.plan({.batch_cores = 4, .batch_nodes = 9})->allocation.nodes, 0);
}

TEST(BatchPlanner, ALongJobIsItsOwnBatch) {
  Jobs jobs;
  jobs.add(60, 0, 3, 500);
  const auto planned = jobs.plan();
  ASSERT_EQ(planned->batches.size(), 1u);
  EXPECT_FALSE(planned->is_packed);
  EXPECT_EQ(planned->allocation, jobs.needs[0].allocation);
}

TEST(BatchPlanner, LongJobsThatAreAlikeBecomeAnArray) {
  Jobs jobs;
  for (int i = 0; i < 30; ++i) jobs.add(60, 0, i % 3 == 0 ? 2 : 1);
  const auto planned = jobs.plan();
  EXPECT_EQ(planned->batches.size(), 10u);
  EXPECT_EQ(planned->allocation.cores, 2);
  EXPECT_EQ(jobs.plan({.max_array = 4})->batches.size(), 4u);
  EXPECT_EQ(jobs.plan({.slots = 3})->batches.size(), 3u);
  EXPECT_EQ(jobs.plan({.max_array = 0})->batches.size(), 1u);
  EXPECT_EQ(jobs.plan({.packing = Packing::kOne})->batches.size(), 1u);
}

TEST(BatchPlanner, AThousandShortJobsAreOneSubmission) {
  Jobs jobs;
  for (int i = 0; i < 1000; ++i) jobs.add(1);
  const auto planned = jobs.plan();
  EXPECT_TRUE(planned->is_packed);
  EXPECT_EQ(jobs_in(*planned), 1000u);
  EXPECT_EQ(planned->batches.size(), 9u) << "1000 minutes on four cores, half an hour each";
  EXPECT_EQ(planned->allocation.cores, 4);
  EXPECT_EQ(planned->allocation.memory_mb, 90) << "four at a time, and the runner";
  EXPECT_EQ(planned->allocation.runtime_min, 1 + 28) << "112 minutes on four cores, and the longest";
}

TEST(BatchPlanner, MeasuredDurationsOverrideDeclaredOnes) {
  Jobs jobs;
  for (int i = 0; i < 1000; ++i) jobs.add(120, 0.5);
  EXPECT_TRUE(jobs.plan()->is_packed);
  EXPECT_EQ(jobs.plan()->batches.size(), 1u) << "500 s of work";
  for (WaitingJob& job : jobs.waiting) job.measured_s = 2000;
  EXPECT_FALSE(jobs.plan()->is_packed);
}

TEST(BatchPlanner, ShortJobsOfDifferentKindsShareABatch) {
  Jobs jobs;
  jobs.add(1, 0, 1, 100);
  jobs.add(2, 0, 3, 900);
  jobs.add(1, 0, 1, 50).allocation.partition = "other";
  const auto planned = jobs.plan();
  EXPECT_EQ(jobs_in(*planned), 2u);
  EXPECT_EQ(planned->allocation.cores, 4);
  EXPECT_EQ(planned->allocation.memory_mb, 1050);
  EXPECT_EQ(planned->memory_for_jobs_mb(), 1000);
  EXPECT_EQ(jobs.plan({.node_memory_mb = 950})->allocation.memory_mb, 950);
  EXPECT_EQ(jobs.plan({.node_memory_mb = 950})->memory_for_jobs_mb(), 900);
}

TEST(BatchPlanner, AnUndeclaredResourceIsNotRequested) {
  Jobs jobs;
  jobs.add(1, 1, 1, 100);
  jobs.add(0, 1, 1, 0);
  EXPECT_EQ(jobs.plan()->allocation.memory_mb, 0);
  EXPECT_EQ(jobs.plan()->allocation.runtime_min, 0);
}

TEST(BatchPlanner, ManyJobsOfUnknownDurationAreDealtOutToTheSlots) {
  Jobs jobs;
  for (int i = 0; i < 50; ++i) jobs.add(0);
  EXPECT_EQ(jobs.plan()->batches.size(), 50u);
  const auto planned = jobs.plan({.slots = 8});
  EXPECT_EQ(planned->batches.size(), 8u);
  EXPECT_EQ(jobs_in(*planned), 50u);
  EXPECT_EQ(planned->allocation.cores, 1);
  EXPECT_EQ(planned->allocation.memory_mb, 60) << "of one job, and of the runner";
}

TEST(BatchPlanner, JobsWithSeveralTasksAreNeverPacked) {
  Jobs jobs;
  jobs.add(1).allocation.tasks = 8;
  jobs.add(1).allocation.tasks = 8;
  EXPECT_FALSE(jobs.plan()->is_packed);
  EXPECT_EQ(jobs.plan()->batches.size(), 2u);
  EXPECT_FALSE(jobs.plan({.packing = Packing::kPacked})->is_packed);
}

TEST(BatchPlanner, JobsWithAGpuTakeTurnsOnWhatOneOfThemAsksFor) {
  Jobs jobs;
  for (int i = 0; i < 90; ++i) jobs.add(1, 0, 2, 100).allocation.others = {{"gpu", "1"}};
  jobs.add(1);
  for (WaitingJob& job : jobs.waiting) job.takes_turns = !job.needs->allocation.others.empty();
  const auto planned = jobs.plan({.batch_cores = 8, .batch_nodes = 3});
  EXPECT_TRUE(planned->is_packed);
  EXPECT_EQ(jobs_in(*planned), 90u) << "the job without a GPU has an allocation of its own";
  EXPECT_EQ(planned->batches.size(), 3u) << "half an hour each";
  EXPECT_EQ(planned->allocation.cores, 2);
  EXPECT_EQ(planned->allocation.memory_mb, 150);
  EXPECT_EQ(planned->allocation.nodes, 0);
  EXPECT_EQ(planned->allocation.runtime_min, 31);
}

TEST(BatchPlanner, MeasuredDurationsLimitTheTimeThatIsAskedFor) {
  Jobs jobs;
  for (int i = 0; i < 400; ++i) jobs.add(300, 0.1);
  EXPECT_EQ(jobs.plan()->allocation.runtime_min, 600) << "time for two that take as long as they declare";
  jobs.waiting[0].measured_s = 240;
  EXPECT_EQ(jobs.plan()->allocation.runtime_min, 600);
}

TEST(BatchPlanner, ThePackingOptionOverridesDurations) {
  Jobs jobs;
  for (int i = 0; i < 5; ++i) jobs.add(600);
  EXPECT_TRUE(jobs.plan({.packing = Packing::kPacked})->is_packed);
  for (ClusterNeeds& needs : jobs.needs) needs.allocation.runtime_min = 1;
  EXPECT_FALSE(jobs.plan({.packing = Packing::kArray})->is_packed);
  EXPECT_EQ(jobs.plan({.packing = Packing::kArray})->batches.size(), 5u);
}

}  // namespace
}  // namespace furrow::exec
