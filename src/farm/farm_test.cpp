#include "farm/farm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "os/events/clock.hpp"
#include "support/farm_fakes.hpp"

namespace furrow::farm {
namespace {

using plan::Event;
using plan::Exit;
using plan::Job;
using plan::JobGraph;
using plan::JobId;
using plan::Launch;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FarmTest : public ::testing::Test {
 protected:
  FarmTest() { resources.demand({}); }  // DemandId 0: no resources
  JobId add(Job job = {}, std::initializer_list<JobId> waits_for = {}) {
    const JobId id = graph.add(job);
    for (const JobId other : waits_for) graph.depend(id, other);
    return id;
  }
  Summary run(FarmOptions options = {}) {
    farm = std::make_unique<Farm>(graph, resources, budget, executor, source, loop, options);
    farm->add_sink(&sink);
    return farm->run();
  }
  void cores(plan::Amount n) {
    budget.set_limit(plan::kCores, n);
    const plan::DemandId one = resources.demand({1});
    source.demand = [one](JobId, int) { return one; };
  }

  Log log;
  os::EventLoop loop;
  JobGraph graph;
  plan::Resources resources;
  plan::Budget budget;
  FakeExecutor executor{loop, log};
  FakeSource source{loop, log};
  RecordingSink sink;
  std::unique_ptr<Farm> farm;
};

TEST_F(FarmTest, RunsAChainInOrderWithOneCommitPerRound) {
  const JobId a = add();
  const JobId b = add({}, {a});
  add({}, {b});
  cores(2);
  const Summary summary = run();
  EXPECT_TRUE(summary.ok());
  EXPECT_EQ(summary.total, 3u);
  EXPECT_EQ(summary.done, 3u);
  EXPECT_THAT(log,
              ElementsAre("starting 0", "commit", "start 0", "finished 0", "starting 1", "commit", "start 1",
                          "finished 1", "starting 2", "commit", "start 2", "finished 2", "commit"));
  EXPECT_THAT(sink.events, ElementsAre("run of 3", "started 0", "done 0", "started 1", "done 1", "started 2",
                                       "done 2", "over"));
  EXPECT_THAT(sink.commands, ElementsAre("command 0", "command 1", "command 2"));
}

TEST_F(FarmTest, AnEmptyGraphEndsAtOnce) {
  EXPECT_TRUE(run().ok());
  EXPECT_THAT(sink.events, ElementsAre("run of 0", "over"));
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(FarmTest, RunsNoMoreJobsThanTheCoresAllow) {
  for (int i = 0; i < 50; ++i) add();
  cores(3);
  EXPECT_TRUE(run().ok());
  EXPECT_EQ(executor.most_at_once, 3u);
}

TEST_F(FarmTest, RunsNoMoreJobsThanTheExecutorAccepts) {
  for (int i = 0; i < 50; ++i) add();
  executor.most = 4;
  EXPECT_TRUE(run().ok());
  EXPECT_EQ(executor.most_at_once, 4u);
}

TEST_F(FarmTest, AnExecutorWithoutCapacityIsAnError) {
  add();
  executor.most = 0;
  const Summary summary = run();
  ASSERT_TRUE(summary.error);
  EXPECT_THAT(summary.error->message, HasSubstr("can never start"));
  EXPECT_EQ(summary.unstarted, 1u);
}

TEST_F(FarmTest, ADemandOverTheLimitGetsTheWholeLimit) {
  const std::size_t memory = resources.index("mem_mb");
  budget.set_limit(plan::kCores, 4);
  budget.set_limit(memory, 100);
  const plan::DemandId big = resources.demand({1, 5000});
  source.demand = [big](JobId, int) { return big; };
  add();
  add();
  EXPECT_TRUE(run().ok());
  EXPECT_EQ(executor.most_at_once, 1u);
}

TEST_F(FarmTest, DemandsThatDifferOnlyInUnlimitedResourcesShareALine) {
  resources.index("mem_mb");
  budget.set_limit(plan::kCores, 2);
  source.demand = [&](JobId job, int) { return resources.demand({1, static_cast<plan::Amount>(job) + 1}); };
  for (int i = 0; i < 200; ++i) add();
  EXPECT_TRUE(run().ok());
  const plan::DemandId unused = resources.demand({2});
  EXPECT_LT(resources.demand({1}), unused) << "the demand that they share was known";
}

TEST_F(FarmTest, UrgentThenPriorityThenDepthDecideTheOrder) {
  add({.depth = 1});
  add({.priority = 5});
  add({.depth = 9});
  add({.urgent = true});
  cores(1);
  run();
  EXPECT_THAT(sink.commands, ElementsAre("command 3", "command 1", "command 2", "command 0"));
}

TEST_F(FarmTest, AsksForTheDemandsOfAllReadyJobsInOneCall) {
  for (int i = 0; i < 500; ++i) add();
  cores(1);
  run();
  EXPECT_EQ(source.demand_calls, 1);
}

TEST_F(FarmTest, RequestsLaunchesInBatches) {
  for (int i = 0; i < 1000; ++i) add();
  cores(1);
  EXPECT_TRUE(run({.lookahead = 64}).ok());
  EXPECT_EQ(source.prepared.size(), 1000u);
  EXPECT_LE(source.prepare_calls, 1000 / 32 + 10);
}

TEST_F(FarmTest, StartsAJobOnlyAfterItsLaunchArrived) {
  source.answers_at_once = false;
  for (int i = 0; i < 300; ++i) add();
  cores(2);
  EXPECT_TRUE(run().ok());
  EXPECT_EQ(source.prepared.size(), 300u);
  EXPECT_EQ(executor.most_at_once, 2u);
}

TEST_F(FarmTest, OtherJobsRunWhileOneWaitsForItsOutputs) {
  add();
  const JobId next = add();
  add({}, {next});
  cores(2);
  source.late_times[0] = 2;
  EXPECT_TRUE(run().ok());
  EXPECT_THAT(
      log, ElementsAre("starting 0", "starting 1", "commit", "start 0", "start 1", "finished 1", "starting 2",
                       "commit", "start 2", "finished 2", "commit", "finished 0", "commit"));
}

TEST_F(FarmTest, ASignalEndsTheWaitForLateOutputs) {
  add();
  cores(1);
  source.late_times[0] = 1 << 30;
  source.check = [](const Exit&) -> Result<void> { return fail("no output"); };
  loop.after(0.02, [this] { farm->stop(SIGINT); });
  const Summary summary = run();
  EXPECT_EQ(summary.failed, 1u);
  EXPECT_EQ(source.last_failure.error, "no output");
}

TEST_F(FarmTest, PrefetchesTheNextJobWhileOthersRun) {
  for (int i = 0; i < 3; ++i) add();
  cores(1);
  EXPECT_TRUE(run().ok());
  EXPECT_THAT(source.prefetched, ElementsAre("prefetch 1 after start 0", "prefetch 2 after start 1"));
}

TEST_F(FarmTest, APrefetchedJobDoesNotStartAfterAFailure) {
  for (int i = 0; i < 2; ++i) add();
  cores(1);
  executor.end = [](Exit& exit) { exit.status = 1; };
  EXPECT_EQ(run().unstarted, 1u);
  EXPECT_THAT(source.prefetched, ElementsAre("prefetch 1 after start 0"));
  EXPECT_THAT(log, ElementsAre("starting 0", "commit", "start 0", "failed 0", "commit"));
}

TEST_F(FarmTest, PrefetchesAJobOnceAndOnlyWithALaunch) {
  for (int i = 0; i < 4; ++i) add(Job{.retries = 1});
  cores(1);
  source.bad_launches = {2};
  executor.end = [](Exit& exit) { exit.status = exit.job == 0 && exit.attempt == 1 ? 1 : 0; };
  FarmOptions options;
  options.keep_going = true;
  EXPECT_EQ(run(options).done, 3u);
  EXPECT_THAT(source.prefetched, ElementsAre("prefetch 1 after start 0"));
}

TEST_F(FarmTest, StartsJobsThatNeedNoPreparationWithoutAsking) {
  for (int i = 0; i < 3; ++i) add(Job{.retries = 1});
  cores(1);
  source.is_prepared_ahead = false;
  executor.end = [](Exit& exit) { exit.status = exit.job == 1 && exit.attempt == 1 ? 1 : 0; };
  EXPECT_EQ(run().done, 3u);
  EXPECT_EQ(source.prepare_calls, 0);
  EXPECT_THAT(source.prefetched, ElementsAre());
}

TEST_F(FarmTest, AfterAFailureRunningJobsEndAndNoneStarts) {
  const JobId a = add();
  add();
  add({}, {a});
  add();
  cores(2);
  executor.end = [&](Exit& exit) { exit.status = exit.job == a ? 3 : 0; };
  const Summary summary = run();
  EXPECT_FALSE(summary.ok());
  EXPECT_EQ(summary.failed, 1u);
  EXPECT_EQ(summary.done, 1u);
  EXPECT_EQ(summary.skipped, 1u);
  EXPECT_EQ(summary.unstarted, 1u);
  EXPECT_EQ(source.last_failure.status, 3);
  EXPECT_THAT(sink.events,
              ElementsAre("run of 4", "started 0", "started 1", "failed 0", "skipped 1", "done 1", "over"));
}

TEST_F(FarmTest, KeepGoingRunsJobsIndependentOfTheFailure) {
  const JobId a = add();
  const JobId b = add({}, {a});
  add({}, {b});
  add();
  cores(1);
  executor.end = [&](Exit& exit) { exit.signal = exit.job == a ? SIGSEGV : 0; };
  const Summary summary = run({.keep_going = true});
  EXPECT_EQ(summary.failed, 1u);
  EXPECT_EQ(summary.skipped, 2u);
  EXPECT_EQ(summary.done, 1u);
  EXPECT_EQ(summary.unstarted, 0u);
}

TEST_F(FarmTest, ARetryUsesTheDemandAndLaunchOfItsAttempt) {
  add({.retries = 2});
  budget.set_limit(plan::kCores, 8);
  std::vector<plan::DemandId> asked;
  source.demand = [&](JobId, int attempt) {
    asked.push_back(resources.demand({attempt}));
    return asked.back();
  };
  executor.end = [](Exit& exit) { exit.status = exit.attempt < 3 ? 1 : 0; };
  EXPECT_TRUE(run().ok());
  EXPECT_EQ(asked.size(), 3u);
  EXPECT_THAT(sink.commands, ElementsAre("command 0", "command 0/2", "command 0/3"));
  EXPECT_THAT(sink.events, ElementsAre("run of 1", "started 0", "again 0", "started 0/2", "again 0/2",
                                       "started 0/3", "done 0/3", "over"));
}

TEST_F(FarmTest, FailsAfterTheLastRetry) {
  add({.retries = 1});
  executor.end = [](Exit& exit) { exit.status = 1; };
  const Summary summary = run();
  EXPECT_EQ(summary.failed, 1u);
  EXPECT_THAT(log, ElementsAre("starting 0", "commit", "start 0", "retry 0", "starting 0/2", "commit",
                               "start 0/2", "failed 0/2", "commit"));
}

TEST_F(FarmTest, AFailedOutputCheckFailsTheJobWithItsReason) {
  add();
  source.check = [](const Exit&) -> Result<void> { return fail("missing output x.txt"); };
  const Summary summary = run();
  EXPECT_EQ(summary.failed, 1u);
  EXPECT_EQ(source.last_failure.error, "missing output x.txt");
  EXPECT_THAT(sink.events, ElementsAre("run of 1", "started 0", "failed 0: missing output x.txt", "over"));
}

TEST_F(FarmTest, AFailedLaunchFailsOnlyItsJob) {
  add();
  add();
  add();
  source.bad_launches = {0, 1};
  const Summary summary = run({.keep_going = true});
  EXPECT_EQ(summary.failed, 2u);
  EXPECT_EQ(summary.done, 1u);
  EXPECT_THAT(sink.events, ::testing::Contains("failed 0: params function broke"));
}

TEST_F(FarmTest, FailuresBeforeTheStartFreeTheirCores) {
  for (int i = 0; i < 20; ++i) add();
  cores(2);
  for (JobId job = 0; job < 15; ++job) (job % 2 == 0 ? source.bad_launches : source.bad_starts).insert(job);
  const Summary summary = run({.keep_going = true});
  EXPECT_EQ(summary.failed, 15u);
  EXPECT_EQ(summary.done, 5u);
  EXPECT_EQ(executor.most_at_once, 2u);
}

TEST_F(FarmTest, OldOutputsGoBetweenTheCommitAndTheStart) {
  add();
  source.logs_clears = true;
  EXPECT_TRUE(run().ok());
  EXPECT_THAT(log, ElementsAre("starting 0", "commit", "clear 0", "start 0", "finished 0", "commit"));
}

TEST_F(FarmTest, OldOutputsStayIfTheStartCannotBeRecorded) {
  add();
  source.logs_clears = true;
  source.failing_commit = 1;
  EXPECT_TRUE(run().error);
  EXPECT_EQ(std::count(log.begin(), log.end(), "clear 0"), 0);
}

TEST_F(FarmTest, AJobWhoseOldOutputsStayDoesNotStart) {
  for (int i = 0; i < 6; ++i) add();
  cores(2);
  source.bad_clears = {0, 1, 2, 5};
  const Summary summary = run({.keep_going = true});
  EXPECT_EQ(summary.failed, 4u);
  EXPECT_EQ(summary.done, 2u);
  EXPECT_EQ(std::count(log.begin(), log.end(), "start 0"), 0);
  EXPECT_THAT(sink.events, ::testing::Contains("failed 0: cannot remove"));
  EXPECT_EQ(log.back(), "commit");
}

TEST_F(FarmTest, AFailedDemandFailsOnlyItsJob) {
  add();
  add();
  source.demand = [](JobId job, int) -> Result<plan::DemandId> {
    if (job == 0) return fail("threads function broke");
    return plan::DemandId{0};
  };
  const Summary summary = run({.keep_going = true});
  EXPECT_EQ(summary.failed, 1u);
  EXPECT_EQ(summary.done, 1u);
}

TEST_F(FarmTest, JobsThatWaitForEachOtherAreAnError) {
  const JobId a = add(), b = add();
  graph.depend(a, b);
  graph.depend(b, a);
  const Summary summary = run();
  ASSERT_TRUE(summary.error);
  EXPECT_THAT(summary.error->message, HasSubstr("wait for each other"));
}

TEST_F(FarmTest, AJobDoesNotStartWhenItsStartCannotBeRecorded) {
  for (int i = 0; i < 10; ++i) add();
  cores(1);
  source.failing_commit = 3;
  const Summary summary = run();
  ASSERT_TRUE(summary.error);
  EXPECT_EQ(summary.error->message, "disk full");
  EXPECT_EQ(std::count(log.begin(), log.end(), "start 2"), 0);
}

TEST_F(FarmTest, TheFirstSignalCancelsGentlyTheSecondAtOnce) {
  for (int i = 0; i < 5; ++i) add();
  cores(2);
  executor.holds = true;
  executor.ignores_gentle = true;
  loop.after(0.01, [&] { farm->stop(SIGINT); });
  loop.after(0.02, [&] { farm->stop(SIGINT); });
  const Summary summary = run();
  EXPECT_EQ(summary.signal, SIGINT);
  EXPECT_EQ(summary.cancelled, 2u);
  EXPECT_EQ(summary.unstarted, 3u);
  EXPECT_EQ(summary.failed, 0u);
  EXPECT_THAT(log, ElementsAre("starting 0", "starting 1", "commit", "start 0", "start 1", "cancel gently",
                               "cancel at once", "failed 0", "failed 1", "commit"));
}

TEST_F(FarmTest, AJobThatSucceedsDespiteTheSignalIsDone) {
  add();
  add();
  cores(1);
  sink.react = [&](const Event& event) {
    if (event.kind == Event::Kind::kJobStarted) loop.after(0, [&] { farm->stop(SIGTERM); });
  };
  executor.ignores_gentle = true;
  const Summary summary = run();
  EXPECT_EQ(summary.done, 1u);
  EXPECT_EQ(summary.cancelled, 0u);
  EXPECT_EQ(summary.unstarted, 1u);
}

TEST_F(FarmTest, RunsJobsAddedDuringTheRun) {
  const JobId first = add();
  cores(1);
  source.check = [&](const Exit& exit) {
    if (exit.job == first) {
      const JobId more = add();
      add({}, {more});
    }
    return Result<void>();
  };
  const Summary summary = run();
  EXPECT_TRUE(summary.ok());
  EXPECT_EQ(summary.total, 3u);
  EXPECT_EQ(summary.done, 3u);
}

TEST_F(FarmTest, CountsCoreSeconds) {
  add();
  budget.set_limit(plan::kCores, 4);
  const plan::DemandId three = resources.demand({3});
  source.demand = [three](JobId, int) { return three; };
  executor.end = [](Exit& exit) { exit.usage.wall_s = 2; };
  EXPECT_DOUBLE_EQ(run().core_s, 6);
}

// Quadratic work would take longer than a test may.
TEST_F(FarmTest, RunsAHundredThousandReadyJobs) {
  for (int i = 0; i < 100000; ++i) add({.depth = static_cast<std::uint32_t>(i % 7)});
  cores(2);
  const double begun = os::monotonic_seconds();
  const Summary summary = run();
  const double each_us = (os::monotonic_seconds() - begun) * 1e6 / 100000;
  EXPECT_TRUE(summary.ok());
  EXPECT_EQ(summary.done, 100000u);
  RecordProperty("us_per_job", std::to_string(each_us));
}

// ---- graphs that grow when jobs end

TEST_F(FarmTest, RunsJobsThatTurnUpWhenAnotherHasEnded) {
  const JobId first = add();
  const JobId last = add({}, {first});
  graph.hold(last);
  cores(1);
  source.growth = [&]() -> Result<std::vector<plan::JobSource::Impossible>> {
    if (graph.state(first) == plan::JobState::kDone && graph.size() == 2) {
      graph.depend(last, add());
      graph.depend(last, add());
      graph.resume(last);
    }
    return std::vector<plan::JobSource::Impossible>();
  };
  const Summary summary = run();
  EXPECT_TRUE(summary.ok());
  EXPECT_EQ(summary.total, 4u);
  EXPECT_THAT(sink.events, ElementsAre("run of 2", "started 0", "done 0", "grown to 4", "started 2", "done 2",
                                       "started 3", "done 3", "started 1", "done 1", "over"));
}

TEST_F(FarmTest, ADroppedJobIsNotRunAndNotCounted) {
  const JobId first = add(), waiting = add();
  const JobId held = add({}, {first});
  graph.hold(held);
  cores(1);
  source.growth = [&]() -> Result<std::vector<plan::JobSource::Impossible>> {
    if (graph.state(first) == plan::JobState::kDone && graph.dropped() == 0) {
      graph.drop(held);
      graph.drop(waiting);
    }
    return std::vector<plan::JobSource::Impossible>();
  };
  const Summary summary = run();
  EXPECT_TRUE(summary.ok());
  EXPECT_EQ(summary.total, 1u);
  EXPECT_THAT(sink.events, ElementsAre("run of 3", "started 0", "done 0", "grown to 1", "over"));
}

TEST_F(FarmTest, AJobThatTurnsOutImpossibleFailsWithWhatDependsOnIt) {
  const JobId first = add();
  const JobId held = add({}, {first});
  add({}, {held});
  graph.hold(held);
  cores(1);
  bool has_grown = false;
  source.growth = [&]() -> Result<std::vector<plan::JobSource::Impossible>> {
    std::vector<plan::JobSource::Impossible> impossible;
    if (graph.state(first) == plan::JobState::kDone && !std::exchange(has_grown, true))
      impossible.push_back({held, Error{"nobody makes x"}});
    return impossible;
  };
  const Summary summary = run({.keep_going = true});
  EXPECT_EQ(summary.failed, 1u);
  EXPECT_EQ(summary.skipped, 1u);
  EXPECT_EQ(summary.unstarted, 0u);
}

TEST_F(FarmTest, AGraphThatCannotGrowEndsTheRun) {
  add();
  cores(1);
  source.growth = []() -> Result<std::vector<plan::JobSource::Impossible>> { return fail("Python is gone"); };
  const Summary summary = run();
  ASSERT_TRUE(summary.error);
  EXPECT_EQ(summary.error->message, "Python is gone");
}

}  // namespace
}  // namespace furrow::farm
