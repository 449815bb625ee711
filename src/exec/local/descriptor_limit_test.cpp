#include "exec/local/descriptor_limit.hpp"

#include "exec/local/local_executor.hpp"
#include "support/executor_contract.hpp"

namespace furrow::exec {
namespace {

rlim_t soft_limit() {
  rlimit limit{};
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  return limit.rlim_cur;
}

class DescriptorLimitTest : public ::testing::Test, public plan::ExitListener {
 protected:
  DescriptorLimitTest() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    set_soft(200);
  }
  ~DescriptorLimitTest() override { ::setrlimit(RLIMIT_NOFILE, &before_); }
  void set_soft(rlim_t soft) {
    rlimit limit = before_;
    limit.rlim_cur = soft;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  void on_exit(plan::Exit exit) override { exits_.push_back(std::move(exit)); }

  rlimit before_{};
  std::vector<plan::Exit> exits_;
};

TEST_F(DescriptorLimitTest, RaisesTheLimitDuringItsLifetime) {
  if (before_.rlim_max < 1000) GTEST_SKIP() << "the hard limit leaves no room";
  {
    DescriptorLimit limit;
    EXPECT_GT(limit.now(), 200u);
    EXPECT_EQ(limit.now(), soft_limit());
    ASSERT_NE(limit.before(), nullptr);
    EXPECT_EQ(limit.before()->rlim_cur, 200u);
    const DescriptorLimit second;
    EXPECT_EQ(second.before(), nullptr) << "there is nothing left to raise";
  }
  EXPECT_EQ(soft_limit(), 200u);
}

TEST_F(DescriptorLimitTest, ManyJobsRunDespiteALowLimitAndSeeThatLimit) {
  if (before_.rlim_max < 2000) GTEST_SKIP() << "the hard limit leaves no room";
  os::EventLoop loop;
  LocalExecutor executor(loop, nullptr, nullptr, nullptr, {});
  executor.set_listener(this);
  constexpr std::size_t kJobs = 150;  // they need three descriptors each
  ASSERT_GE(executor.max_running(), kJobs);
  for (plan::JobId job = 0; job < kJobs; ++job)
    executor.start({.job = job, .launch = testing_support::shell("sleep 0.5; ulimit -Sn; ulimit -Hn")});
  while (executor.running() > 0) loop.run_once(1);
  const std::string hard = before_.rlim_max == RLIM_INFINITY ? "unlimited" : std::to_string(before_.rlim_max);
  for (const plan::Exit& exit : exits_) {
    EXPECT_TRUE(exit.ok()) << exit.error;
    EXPECT_EQ(exit.output, "200\n" + hard + "\n");
  }
}

}  // namespace
}  // namespace furrow::exec
