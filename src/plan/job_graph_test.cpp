#include "plan/job_graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class JobGraphTest : public ::testing::Test {
 protected:
  JobId add(std::initializer_list<JobId> waits_for = {}) {
    const JobId id = graph.add({});
    for (const JobId other : waits_for) graph.depend(id, other);
    return id;
  }
  std::vector<JobId> finish(JobId job) {
    std::vector<JobId> ready;
    graph.start(job);
    graph.finish(job, ready);
    return ready;
  }
  JobGraph graph;
};

TEST_F(JobGraphTest, AJobIsReadyOnceItsDependenciesAreDone) {
  const JobId a = add(), b = add();
  const JobId c = add({a, b});
  EXPECT_THAT(graph.take_ready(), ElementsAre(a, b));
  EXPECT_THAT(finish(a), IsEmpty());
  EXPECT_EQ(graph.state(c), JobState::kWaiting);
  EXPECT_THAT(finish(b), ElementsAre(c));
  EXPECT_EQ(graph.state(c), JobState::kReady);
  EXPECT_EQ(graph.unfinished(), 1u);
  EXPECT_THAT(finish(c), IsEmpty());
  EXPECT_EQ(graph.unfinished(), 0u);
}

TEST_F(JobGraphTest, ReadyJobsAreTakenOnce) {
  const JobId a = add();
  EXPECT_THAT(graph.take_ready(), ElementsAre(a));
  EXPECT_THAT(graph.take_ready(), IsEmpty());
  const JobId b = add();
  EXPECT_THAT(graph.take_ready(), ElementsAre(b));
}

TEST_F(JobGraphTest, ADuplicateDependencyCountsOnce) {
  const JobId a = add();
  const JobId b = add({a, a});
  graph.take_ready();
  EXPECT_THAT(finish(a), ElementsAre(b));
}

TEST_F(JobGraphTest, AFailureSkipsEachDependentJobOnce) {
  const JobId a = add();
  const JobId b = add({a}), c = add({a});
  const JobId d = add({b, c}), other = add();
  graph.take_ready();
  graph.start(a);
  std::vector<JobId> skipped;
  graph.fail(a, skipped);
  EXPECT_THAT(skipped, UnorderedElementsAre(b, c, d));
  EXPECT_EQ(graph.state(a), JobState::kFailed);
  EXPECT_EQ(graph.state(d), JobState::kSkipped);
  EXPECT_EQ(graph.state(other), JobState::kReady);
  EXPECT_EQ(graph.unfinished(), 1u);
}

TEST_F(JobGraphTest, ASkippedJobDoesNotBecomeReady) {
  const JobId a = add(), b = add();
  const JobId c = add({a, b});
  graph.take_ready();
  std::vector<JobId> skipped;
  graph.fail(a, skipped);
  EXPECT_THAT(finish(b), IsEmpty());
  EXPECT_EQ(graph.state(c), JobState::kSkipped);
}

TEST_F(JobGraphTest, JobsCanBeAddedDuringTheRun) {
  const JobId a = add();
  graph.take_ready();
  finish(a);
  const JobId b = add({a});
  EXPECT_THAT(graph.take_ready(), ElementsAre(b)) << "a done job blocks nothing";
}

TEST_F(JobGraphTest, ARetriedJobIsReadyAgain) {
  const JobId a = add();
  graph.take_ready();
  graph.start(a);
  graph.set_demand(a, 5);
  graph.retry(a);
  EXPECT_EQ(graph.state(a), JobState::kReady);
  EXPECT_EQ(graph.job(a).demand, 5u);
  EXPECT_EQ(graph.unfinished(), 1u);
}

TEST_F(JobGraphTest, ALongChainFailsWithoutDeepRecursion) {
  JobId last = add();
  for (int i = 0; i < 200000; ++i) last = add({last});
  std::vector<JobId> skipped;
  graph.fail(0, skipped);
  EXPECT_EQ(skipped.size(), 200000u);
  EXPECT_EQ(graph.unfinished(), 0u);
}

TEST_F(JobGraphTest, JobsBehindABarrierBecomeReadyTogether) {
  const JobId a = add(), b = add();
  const JobId c = add({a}), d = add(), e = add({c, d});
  const BarrierId barrier = graph.add_barrier();
  graph.barrier_waits_for(barrier, a);
  graph.barrier_waits_for(barrier, b);
  for (const JobId job : {c, d, e}) graph.wait_at_barrier(job, barrier);
  EXPECT_THAT(graph.take_ready(), ElementsAre(a, b));
  EXPECT_THAT(finish(a), IsEmpty());
  EXPECT_THAT(finish(b), UnorderedElementsAre(c, d));
  EXPECT_THAT(finish(c), IsEmpty());
  EXPECT_THAT(finish(d), ElementsAre(e));
}

TEST_F(JobGraphTest, ABarrierThatWaitsForNothingIsOpen) {
  const JobId a = add();
  graph.wait_at_barrier(a, graph.add_barrier());
  EXPECT_THAT(graph.take_ready(), ElementsAre(a));
}

TEST_F(JobGraphTest, AFailureBeforeABarrierSkipsEachJobBehindItOnce) {
  const JobId a = add(), b = add();
  const JobId c = add({a}), d = add(), e = add({d});
  const BarrierId barrier = graph.add_barrier();
  graph.barrier_waits_for(barrier, a);
  graph.barrier_waits_for(barrier, b);
  graph.wait_at_barrier(c, barrier);
  graph.wait_at_barrier(d, barrier);
  graph.take_ready();
  graph.start(a);
  std::vector<JobId> skipped;
  graph.fail(a, skipped);
  EXPECT_THAT(skipped, UnorderedElementsAre(c, d, e));
  EXPECT_THAT(finish(b), IsEmpty());
  EXPECT_EQ(graph.unfinished(), 0u);
}

// ---- growing

TEST_F(JobGraphTest, AHeldJobIsNotReadyUntilItIsResumed) {
  const JobId a = add();
  const JobId b = add({a});
  graph.hold(b);
  EXPECT_THAT(graph.take_ready(), ElementsAre(a));
  EXPECT_THAT(finish(a), IsEmpty());
  graph.resume(b);
  EXPECT_THAT(graph.take_ready(), ElementsAre(b));
}

TEST_F(JobGraphTest, AResumedJobWaitsForWhatWasAddedMeanwhile) {
  const JobId a = add();
  graph.hold(a);
  EXPECT_THAT(graph.take_ready(), IsEmpty());
  const JobId b = add();
  graph.depend(a, b);
  graph.resume(a);
  EXPECT_THAT(graph.take_ready(), ElementsAre(b));
  EXPECT_THAT(finish(b), ElementsAre(a));
}

TEST_F(JobGraphTest, AReadyJobWithANewDependencyWaitsAgain) {
  const JobId a = add();
  EXPECT_THAT(graph.take_ready(), ElementsAre(a));
  const JobId b = add();
  graph.depend(a, b);
  EXPECT_EQ(graph.state(a), JobState::kWaiting);
  EXPECT_THAT(graph.take_ready(), ElementsAre(b));
  EXPECT_THAT(finish(b), ElementsAre(a));
}

TEST_F(JobGraphTest, WhatWaitsForADroppedJobNeedNotDoSo) {
  const JobId a = add(), b = add();
  const JobId c = add({a, b});
  graph.hold(b);
  EXPECT_THAT(graph.take_ready(), ElementsAre(a));
  EXPECT_THAT(finish(a), IsEmpty());
  graph.drop(b);
  EXPECT_THAT(graph.take_ready(), ElementsAre(c));
  EXPECT_EQ(graph.dropped(), 1u);
  EXPECT_EQ(graph.unfinished(), 1u);
}

TEST_F(JobGraphTest, AJobThatDependsOnAFailedOneIsDoomed) {
  const JobId a = add();
  EXPECT_THAT(graph.take_ready(), ElementsAre(a));
  graph.start(a);
  std::vector<JobId> skipped;
  graph.fail(a, skipped);
  const JobId b = add({a});
  const JobId c = add({b});
  EXPECT_THAT(graph.take_ready(), IsEmpty());
  graph.take_doomed(skipped);
  EXPECT_THAT(skipped, ElementsAre(b, c));
  EXPECT_EQ(graph.unfinished(), 0u);
}

TEST_F(JobGraphTest, AJobThatDependsOnADoneOneIsReady) {
  const JobId a = add();
  graph.take_ready();
  finish(a);
  const JobId b = add({a});
  EXPECT_THAT(graph.take_ready(), ElementsAre(b));
}

TEST_F(JobGraphTest, AGangIsReadyOnceAllOfItsJobsAre) {
  const JobId before = add();
  const JobId writer = add(), reader = add({before}), after = add({reader});
  graph.bind({{writer, reader}, {}});
  EXPECT_THAT(graph.take_ready(), ElementsAre(before));
  EXPECT_FALSE(graph.is_ready(writer));
  EXPECT_THAT(finish(before), ElementsAre(writer)) << "the first stands for all";
  EXPECT_TRUE(graph.is_ready(writer));
  EXPECT_TRUE(graph.is_ready(reader));
  EXPECT_THAT(finish(writer), IsEmpty());
  EXPECT_THAT(finish(reader), ElementsAre(after));
}

TEST_F(JobGraphTest, AHeldJobHoldsItsGang) {
  const JobId writer = add(), reader = add();
  graph.hold(reader);
  graph.bind({{writer, reader}, {}});
  EXPECT_THAT(graph.take_ready(), IsEmpty());
  const JobId more = add();
  graph.depend(writer, more);
  graph.resume(reader);
  EXPECT_THAT(graph.take_ready(), ElementsAre(more)) << "the writer waits again";
  EXPECT_THAT(finish(more), ElementsAre(writer));
}

TEST_F(JobGraphTest, TheFirstOfAGangHasTheBestRankOfAll) {
  const JobId writer = add(), reader = graph.add({.priority = 5, .depth = 2, .retries = 3, .urgent = true});
  graph.bind({{writer, reader}, {}});
  EXPECT_EQ(graph.job(writer).priority, 5);
  EXPECT_EQ(graph.job(writer).depth, 2u);
  EXPECT_EQ(graph.job(writer).retries, 3);
  EXPECT_TRUE(graph.job(writer).urgent);
}

TEST_F(JobGraphTest, AGangIsSkippedAsAWhole) {
  const JobId before = add();
  const JobId writer = add(), reader = add({before}), after = add({writer});
  graph.bind({{writer, reader}, {}});
  graph.take_ready();
  graph.start(before);
  std::vector<JobId> skipped;
  graph.fail(before, skipped);
  EXPECT_THAT(skipped, UnorderedElementsAre(writer, reader, after));
  EXPECT_EQ(graph.unfinished(), 0u);
}

TEST_F(JobGraphTest, AJobMayMoveToAnotherGang) {
  const JobId a = add(), b = add(), c = add();
  graph.hold(b);
  graph.bind({{a, b}, {}});
  EXPECT_THAT(graph.take_ready(), ElementsAre(c));
  const JobId d = add();
  graph.bind({{a, d, b}, {}});
  EXPECT_THAT(graph.take_ready(), IsEmpty());
  graph.resume(b);
  EXPECT_THAT(graph.take_ready(), ElementsAre(a));
  EXPECT_EQ(graph.gang(b)->jobs.size(), 3u);
}

}  // namespace
}  // namespace furrow::plan
