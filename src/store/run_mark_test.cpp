#include "store/run_mark.hpp"

#include <gtest/gtest.h>

#include "os/process/job_cookie.hpp"

namespace furrow::store {
namespace {

constexpr const char* kHow = "say so";

TEST(RunMark, IsReadAsItWasWritten) {
  const RunMark mark = RunMark::of_this_process(os::new_run_id());
  const RunMark read = RunMark::from(mark.text());
  EXPECT_EQ(read.text(), mark.text());
  EXPECT_TRUE(read.is_alive());
  EXPECT_EQ(RunMark::from("").pid, 0);
  EXPECT_EQ(RunMark::from("no mark").pid, 0);
}

TEST(RunMark, WithoutJobsLeavesNothingToEnd) {
  RunMark mark = RunMark::of_this_process({});
  mark.host = "another";
  EXPECT_TRUE(end_jobs_of(mark, kHow));
}

TEST(RunMark, OfAnotherHostIsRefused) {
  RunMark mark = RunMark::of_this_process(os::new_run_id());
  mark.host = "alpha";
  mark.boot = "another";
  const auto ended = end_jobs_of(mark, kHow);
  ASSERT_FALSE(ended);
  EXPECT_NE(ended.error().message.find("on alpha"), std::string::npos) << ended.error().to_string();
  EXPECT_NE(ended.error().hint.find("then say so"), std::string::npos) << ended.error().to_string();
}

TEST(RunMark, OfThisHostBeforeItsRestartLeavesNothingToEnd) {
  RunMark mark = RunMark::of_this_process(os::new_run_id());
  mark.boot = "another";
  EXPECT_TRUE(end_jobs_of(mark, kHow));
}

TEST(RunMark, OfThisMachineUnderAnotherNameCountsAsHere) {
  RunMark mark = RunMark::of_this_process(os::new_run_id());
  mark.host = "renamed";
  EXPECT_TRUE(end_jobs_of(mark, kHow));
}

}  // namespace
}  // namespace furrow::store
