// The contract of executors over MPI: rank 0 runs the tests, the others serve all of its executors.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "../support/executor_contract.hpp"
#include "../support/temporary_folder.hpp"
#include "exec/ranks/mpi_executor.hpp"
#include "exec/ranks/rank_runner.hpp"
#include "exec/ranks/transport_plugin.hpp"
#include "os/process/watchdog.hpp"

namespace furrow {

namespace {

exec::RankSet* the_ranks = nullptr;

// An executor whose jobs all run on the last rank, or on any rank.
template <bool kOnAll>
struct RanksMade {
  support::TemporaryFolder temporary;
  os::EventLoop loop;
  std::unique_ptr<os::Watchdog> watchdog = std::move(*os::Watchdog::start({}));
  exec::LocalExecutor local{loop, watchdog.get(), nullptr, nullptr, {.scratch = temporary.path()}};
  exec::MpiExecutor ranks{loop, *the_ranks, local, nullptr, options()};

  exec::MpiOptions options() {
    exec::MpiOptions options;
    options.shares.resize(the_ranks->ranks().size(), {kOnAll ? 4 : 0, 0});
    options.shares.back() = {8, 0};
    options.scratch = temporary.path();
    return options;
  }
  plan::Executor& executor() { return ranks; }
  std::string folder() const { return temporary.path(); }
};

int serve(channel::Transport& transport) {
  exec::RankSet::say_hello(transport, {.version = "test"});
  ::signal(SIGPIPE, SIG_IGN);
  const auto watchdog = std::move(*os::Watchdog::start({}));
  os::EventLoop loop;
  exec::RankRunner(
      transport, *watchdog, [](const auto&, auto&, auto&) { return nullptr; }, [] {})
      .serve(loop);
  transport.end();
  return 0;
}

}  // namespace

namespace testing_support {
using OnAnotherRank = RanksMade<false>;
using OnAllRanks = RanksMade<true>;
INSTANTIATE_TYPED_TEST_SUITE_P(OnAnotherRank, ExecutorContract, OnAnotherRank);
INSTANTIATE_TYPED_TEST_SUITE_P(OnAllRanks, ExecutorContract, OnAllRanks);
}  // namespace testing_support

namespace exec {
namespace {

using testing_support::shell;

struct Exits : plan::ExitListener {
  void on_exit(plan::Exit exit) override { all.push_back(std::move(exit)); }
  std::vector<plan::Exit> all;
};

class MpiExecutorTest : public ::testing::Test {
 protected:
  MpiExecutor& make(std::vector<RankShare> shares, std::function<RankNeeds(const plan::Attempt&)> needs = {},
                    double ahead_s = 0.01) {
    shares.resize(the_ranks->ranks().size());
    MpiOptions options;
    options.shares = std::move(shares);
    options.needs = std::move(needs);
    options.ahead_s = ahead_s;
    options.scratch = temporary.path();
    executor = std::make_unique<MpiExecutor>(loop, *the_ranks, local, nullptr, std::move(options));
    executor->set_listener(&exits);
    return *executor;
  }
  void finish() {
    const double until = os::monotonic_seconds() + 20;
    while (executor->running() > 0 && os::monotonic_seconds() < until) loop.run_once(0.1);
    ASSERT_EQ(executor->running(), 0u);
  }

  support::TemporaryFolder temporary;
  os::EventLoop loop;
  std::unique_ptr<os::Watchdog> watchdog = std::move(*os::Watchdog::start({}));
  LocalExecutor local{loop, watchdog.get(), nullptr, nullptr, {.scratch = temporary.path()}};
  Exits exits;
  std::unique_ptr<MpiExecutor> executor;
};

TEST_F(MpiExecutorTest, AJobWaitsForALargeEnoughRank) {
  make({{1, 0}, {2, 0}}, [](const plan::Attempt& attempt) {
    return attempt.job == 0 ? RankNeeds{.on_root = true} : RankNeeds{.cores = 2};
  });
  const std::string log = temporary.path() + "/log";
  executor->start({.job = 0, .launch = shell("sleep 0.7; echo one >> " + log)});
  executor->start({.job = 1, .launch = shell("sleep 0.2; echo two >> " + log)});
  executor->start({.job = 2, .launch = shell("echo two >> " + log)});
  EXPECT_EQ(executor->max_running(), 3u) << "no more while one waits";
  finish();
  EXPECT_EQ(exits.all.back().job, 0u) << "the two-core jobs run on the other rank, one after the other";
  EXPECT_EQ(*os::read_file(log), "two\ntwo\none\n");
}

TEST_F(MpiExecutorTest, AJobTooLargeForAnyRankGetsTheLargest) {
  make({{1, 100}, {2, 200}}, [](const plan::Attempt&) { return RankNeeds{.cores = 50, .memory_mb = 5000}; });
  for (plan::JobId job = 0; job < 3; ++job) executor->start({.job = job, .launch = shell("true; true")});
  finish();
  ASSERT_EQ(exits.all.size(), 3u);
  for (const plan::Exit& exit : exits.all) EXPECT_TRUE(exit.ok()) << exit.error;
}

TEST_F(MpiExecutorTest, JobsShareTheMemoryOfARank) {
  make({{0, 0}, {4, 100}}, [](const plan::Attempt&) { return RankNeeds{.memory_mb = 60}; });
  const double begun = os::monotonic_seconds();
  for (plan::JobId job = 0; job < 3; ++job) executor->start({.job = job, .launch = shell("sleep 0.2")});
  finish();
  EXPECT_GE(os::monotonic_seconds() - begun, 0.6) << "one at a time";
}

TEST_F(MpiExecutorTest, ALongJobDoesNotHoldUpShortOnes) {
  make({{1, 0}, {1, 0}}, {}, 1);  // the jobs count as short also where a process takes long to start
  plan::JobId job = 0;
  const auto run_short = [&](int count) {
    for (const plan::JobId end = job + static_cast<plan::JobId>(count); job < end;) {
      while (executor->running() < executor->max_running() && job < end)
        executor->start({.job = job++, .launch = shell("true")});
      loop.run_once(0.1);
    }
  };
  run_short(100);  // from here on jobs are known to be short
  ASSERT_GT(executor->max_running(), 2u) << "some are sent ahead";
  finish();
  executor->start({.job = job++, .launch = shell("sleep 2")});
  executor->start({.job = job++, .launch = shell("sleep 2")});
  const std::size_t before = exits.all.size();
  std::size_t behind = 0;
  while (executor->running() < executor->max_running()) {
    executor->start({.job = job++, .launch = shell("true")});
    ++behind;
  }
  ASSERT_GT(behind, 0u);
  finish();
  EXPECT_EQ(exits.all.size(), before + behind + 2);
  std::size_t long_ones = 0;
  for (const plan::Exit& exit : exits.all) long_ones += exit.usage.wall_s > 1.9 ? 1 : 0;
  EXPECT_EQ(long_ones, 2u);
}

TEST_F(MpiExecutorTest, CancelReportsWaitingJobsToo) {
  make({{0, 0}, {1, 0}});
  for (plan::JobId job = 0; job < 20; ++job) executor->start({.job = job, .launch = shell("sleep 30")});
  for (int i = 0; i < 20; ++i) loop.run_once(0.01);
  executor->cancel_all(plan::Stop::kGently);
  finish();
  ASSERT_EQ(exits.all.size(), 20u);
  for (const plan::Exit& exit : exits.all) EXPECT_TRUE(exit.cancelled);
}

TEST_F(MpiExecutorTest, DestroyingAnExecutorEndsItsRemoteJobs) {
  const std::string beat = temporary.path() + "/beat";
  make({{0, 0}, {1, 0}});
  executor->start({.job = 0, .launch = shell("while :; do echo x >> " + beat + "; sleep 0.01; done")});
  for (int i = 0; i < 500 && os::status(beat).size == 0; ++i) loop.run_once(0.01);
  ASSERT_GT(os::status(beat).size, 0);
  make({{0, 0}, {1, 0}});
  executor->start({.job = 0, .launch = shell("echo next")});
  finish();
  EXPECT_EQ(exits.all.back().output, "next\n");
  const std::int64_t size = os::status(beat).size;
  ::usleep(100'000);
  EXPECT_EQ(os::status(beat).size, size);
}

}  // namespace
}  // namespace exec
}  // namespace furrow

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  auto transport = furrow::exec::load_transport();
  if (!transport) {
    std::fprintf(stderr, "%s\n", transport.error().to_string().c_str());
    return 1;
  }
  if ((*transport)->rank() != 0) return furrow::serve(**transport);
  auto rank_set = furrow::exec::RankSet::meet(**transport, {.version = "test"}, [] {});
  furrow::the_ranks = rank_set->get();
  const int code = RUN_ALL_TESTS();
  (*rank_set)->shut_down();
  (*transport)->end();
  return code;
}
