// The farm with jobs that run at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "farm/farm.hpp"
#include "support/farm_fakes.hpp"

namespace furrow::farm {
namespace {

using plan::Exit;
using plan::Job;
using plan::JobGraph;
using plan::JobId;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class FarmGangsTest : public ::testing::Test {
 protected:
  FarmGangsTest() { resources.demand({}); }
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
  std::size_t place(const std::string& line) const {
    return static_cast<std::size_t>(std::find(log.begin(), log.end(), line) - log.begin());
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

TEST_F(FarmGangsTest, StartTogetherAndAreRecordedOnceAllHaveEnded) {
  const JobId before = add();
  const JobId writer = add(), reader = add({}, {before});
  add({}, {reader});
  graph.bind({{writer, reader}, {}});
  cores(2);
  source.logs_clears = true;
  EXPECT_TRUE(run().ok());
  EXPECT_THAT(
      log, ElementsAre("starting 0", "commit", "clear 0", "start 0", "finished 0", "starting 1", "starting 2",
                       "commit", "clear 1", "clear 2", "start 1", "start 2", "finished 1", "finished 2",
                       "starting 3", "commit", "clear 3", "start 3", "finished 3", "commit"));
}

TEST_F(FarmGangsTest, TakeTheCoresOfAllUntilAllHaveEnded) {
  for (int i = 0; i < 4; ++i) {
    const JobId writer = add(), reader = add();
    graph.bind({{writer, reader}, {}});
    add();
  }
  cores(3);
  EXPECT_TRUE(run().ok());
  EXPECT_EQ(executor.most_at_once, 3u);
}

TEST_F(FarmGangsTest, AreRefusedIfThereIsNoRoomForAll) {
  const JobId writer = add(), reader = add(), other = add();
  graph.bind({{writer, reader}, {}});
  cores(1);
  const Summary summary = run({.keep_going = true});
  EXPECT_EQ(summary.failed, 2u);
  EXPECT_EQ(summary.done, 1u);
  EXPECT_THAT(sink.events, Contains(HasSubstr("together they need 2 cores, and there are only 1")));
  EXPECT_THAT(log, Not(Contains("start 0")));
  EXPECT_THAT(log, Contains(numbered("start", other)));
}

TEST_F(FarmGangsTest, EndTogetherWhenOneFails) {
  const JobId writer = add(), reader = add(), after = add({}, {reader});
  graph.bind({{writer, reader}, {}});
  executor.end = [&](Exit& exit) { exit.status = exit.job == writer ? 3 : exit.status; };
  Exit partner;
  sink.react = [&](const plan::Event& event) {
    if (event.kind == plan::Event::Kind::kJobFailed && event.job == reader) partner = *event.exit;
  };
  const Summary summary = run();
  EXPECT_EQ(summary.failed, 2u);
  EXPECT_EQ(summary.skipped, 1u);
  EXPECT_EQ(graph.state(after), plan::JobState::kSkipped);
  EXPECT_THAT(partner.error, HasSubstr("because job0, with which it runs at once, has failed (exit code 3)"));
  EXPECT_THAT(log, Not(Contains("finished 1")));
}

TEST_F(FarmGangsTest, AreTriedAgainTogether) {
  const JobId writer = add(), reader = add({.retries = 1});
  graph.bind({{writer, reader}, {}});
  executor.end = [&](Exit& exit) { exit.status = exit.job == reader && exit.attempt == 1 ? 1 : exit.status; };
  EXPECT_TRUE(run().ok());
  EXPECT_THAT(log, ElementsAre("starting 0", "starting 1", "commit", "start 0", "start 1", "retry 1",
                               "retry 0", "starting 0/2", "starting 1/2", "commit", "start 0/2", "start 1/2",
                               "finished 0/2", "finished 1/2", "commit"));
}

TEST_F(FarmGangsTest, NoneIsRecordedWhileTheOutputsOfOneAreBad) {
  const JobId writer = add({.retries = 1}), reader = add();
  graph.bind({{writer, reader}, {}});
  source.check_before = [&](const Exit& exit) -> Result<void> {
    if (exit.job == reader && exit.attempt == 1) return fail("no output");
    return {};
  };
  EXPECT_TRUE(run().ok());
  EXPECT_THAT(sink.events, Contains("again 1: no output"));
  EXPECT_THAT(log, Not(Contains("finished 0")));
  EXPECT_THAT(log, Contains("finished 0/2"));
}

TEST_F(FarmGangsTest, NoneStartsIfOneCannot) {
  for (const int which : {0, 1, 2}) {
    const JobId writer = add(), reader = add();
    graph.bind({{writer, reader}, {}});
    if (which == 0) source.bad_launches = {reader};
    if (which == 1) source.bad_starts.insert(reader);
    if (which == 2) source.bad_clears.insert(reader);
  }
  EXPECT_EQ(run({.keep_going = true}).failed, 6u);
  for (const std::string& line : log) EXPECT_THAT(line, Not(HasSubstr("start ")));
  EXPECT_TRUE(budget.fits({}));
}

TEST_F(FarmGangsTest, WaitForOutputsThatCannotBeSeenYet) {
  const JobId writer = add(), reader = add();
  graph.bind({{writer, reader}, {}});
  source.late_times[reader] = 2;
  EXPECT_TRUE(run().ok());
}

TEST_F(FarmGangsTest, AreCancelledTogether) {
  const JobId writer = add(), reader = add();
  graph.bind({{writer, reader}, {}});
  executor.holds = true;
  loop.after(0.02, [&] { farm->stop(SIGINT); });
  const Summary summary = run();
  EXPECT_EQ(summary.cancelled, 2u);
  EXPECT_EQ(summary.unstarted, 0u);
  EXPECT_THAT(log, Contains("failed 0"));
  EXPECT_THAT(log, Contains("failed 1"));
}

TEST_F(FarmGangsTest, UsersOfAServiceStartOnceItIsUp) {
  const JobId service = add(), one = add(), two = add();
  graph.bind({{service, one, two}, {{service, one}, {service, two}}});
  int looks = 0;
  source.up = [&](JobId) { return ++looks > 4; };
  executor.runs_on.insert(service);
  EXPECT_TRUE(run().ok());
  EXPECT_LT(place("start 0"), place("start 1"));
  EXPECT_GT(looks, 4);
  EXPECT_THAT(sink.events, ElementsAre("run of 3", "started 0", "started 1", "started 2", "done 0", "done 1",
                                       "done 2", "over"));
}

TEST_F(FarmGangsTest, UsersDoNotStartIfTheirServiceEndsEarly) {
  const JobId service = add(), user = add();
  graph.bind({{service, user}, {{service, user}}});
  source.up = [](JobId) { return false; };
  EXPECT_EQ(run().failed, 2u);
  EXPECT_THAT(log, Not(Contains("start 1")));
  EXPECT_THAT(source.last_failure.error, HasSubstr("because job0, with which it runs at once, has failed"));
}

TEST_F(FarmGangsTest, AServiceThatUsesAnotherEndsFirst) {
  const JobId base = add(), service = add(), user = add();
  graph.bind({{base, service, user}, {{base, service}, {service, user}}});
  executor.runs_on = {base, service};
  EXPECT_TRUE(run().ok());
  EXPECT_THAT(executor.interrupted, ElementsAre(service, base));
}

TEST_F(FarmGangsTest, AUserWhoseServiceFailsIsEnded) {
  const JobId service = add(), user = add();
  graph.bind({{service, user}, {{service, user}}});
  executor.runs_on = {user};
  executor.end = [&](Exit& exit) { exit.status = exit.job == service ? 1 : exit.status; };
  EXPECT_EQ(run().failed, 2u);
  EXPECT_THAT(executor.interrupted, ElementsAre(user));
}

}  // namespace
}  // namespace furrow::farm
