#include "os/process/survivors.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "os/events/clock.hpp"
#include "os/process/job_cookie.hpp"
#include "os/process/process.hpp"

namespace furrow::os {
namespace {

bool becomes_true(const std::function<bool()>& claim) {
  const double until = monotonic_seconds() + 50;
  while (!claim()) {
    if (monotonic_seconds() > until) return false;
    ::usleep(2000);
  }
  return true;
}

bool holds(const std::vector<Survivor>& survivors, int pid) {
  return std::any_of(survivors.begin(), survivors.end(),
                     [pid](const Survivor& each) { return each.pid == pid; });
}

// A run whose engine is gone: its table, and processes that are its jobs or not.
class ADeadRun : public testing::Test {
 protected:
  void SetUp() override {
    auto table = JobTable::create();
    ASSERT_TRUE(table);
    table_ = std::move(*table);
    table_->publish(run_);
  }
  void TearDown() override {
    JobTable::remove(run_);
    for (const int pid : pids_) {
      ::kill(pid, SIGKILL);
      wait_for(pid);
    }
  }
  // Starts "sleep" with this environment in a group of its own.
  int start(std::vector<std::string> environment) {
    std::vector<char*> block;
    for (std::string& entry : environment) block.push_back(entry.data());
    block.push_back(nullptr);
    char* const argv[] = {const_cast<char*>("sleep"), const_cast<char*>("60"), nullptr};
    const auto child = Spawner().spawn({.path = "/bin/sleep", .argv = argv, .envp = block.data()});
    if (!child) return -1;
    ::close(child->pidfd);
    pids_.push_back(child->pid);
    return child->pid;
  }
  int start_job(std::uint64_t tag) { return start({"PATH=/bin", "HOME=/", cookie_entry(run_, tag)}); }
  Survivors find() { return find_survivors({.id = run_, .table = table_.get(), .session = ::getsid(0)}); }

  const std::string run_ = new_run_id();
  std::unique_ptr<JobTable> table_;
  std::vector<int> pids_;
};

TEST_F(ADeadRun, LeavesTheJobsOfAttemptsThatHadNotEnded) {
  table_->group(5) = 1 << 30;  // its leader is gone, and the job has moved to a group of its own
  table_->use(5) = 3;
  const int running = start_job(std::uint64_t{3} << 32 | 5), ended = start_job(std::uint64_t{2} << 32 | 5);
  const int elsewhere = start_job(kTagWithoutSlot),
            other_run = start({cookie_entry(new_run_id(), kTagWithoutSlot)});
  const Survivors found = find();
  EXPECT_TRUE(holds(found.certain, running));
  EXPECT_TRUE(holds(found.certain, elsewhere));
  EXPECT_FALSE(holds(found.certain, ended)) << "what a job that has ended left running is left alone";
  EXPECT_FALSE(holds(found.certain, other_run));
  EXPECT_TRUE(found.possible.empty());
  kill_all(found.certain);
  EXPECT_TRUE(becomes_true([&] { return find().certain.empty(); })) << "zombies do not count";
}

TEST_F(ADeadRun, CountsEveryCookieWhenItsTableIsLost) {
  const int job = start_job(std::uint64_t{2} << 32 | 5);
  EXPECT_TRUE(holds(find_survivors({.id = run_}).certain, job));
}

TEST_F(ADeadRun, IsUnsureOfAGroupWithoutCookie) {
  const int bare = start({}), ordinary = start({"PATH=/bin", "HOME=/"});
  table_->group(1) = bare;
  table_->group(2) = ordinary;
  const Survivors found = find();
  EXPECT_TRUE(holds(found.possible, bare)) << "its parent, this process, is in its session";
  EXPECT_FALSE(holds(found.possible, ordinary)) << "a process of the run would have handed its cookie on";
  EXPECT_TRUE(found.certain.empty());
}

TEST_F(ADeadRun, KnowsItsTableByName) {
  table_->group(7) = 4711;
  const auto again = JobTable::open(run_);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->groups(), std::vector<int>{4711});
  JobTable::remove(run_);
  EXPECT_EQ(JobTable::open(run_), nullptr);
}

TEST(JobCookie, IsFoundBehindTheCookieOfAnOuterRun) {
  const std::string outer = new_run_id(), inner = new_run_id();
  ::setenv("FURROW_JOB", (outer + ".0000000100000002").c_str(), 1);
  std::string block = "A=1";
  block += '\0';
  block += cookie_entry(inner, 0x12);
  ::unsetenv("FURROW_JOB");
  EXPECT_EQ(tag_in(block, outer), 0x100000002u);
  EXPECT_EQ(tag_in(block, inner), 0x12u);
  EXPECT_EQ(tag_in(block, new_run_id()), std::nullopt);
  EXPECT_EQ(tag_in("", inner), std::nullopt);
}

}  // namespace
}  // namespace furrow::os
