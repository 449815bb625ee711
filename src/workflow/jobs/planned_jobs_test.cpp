#include "workflow/jobs/planned_jobs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::Workflow;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// all <- b <- a, and all <- c <- a.
class PlannedJobsTest : public testing::Test {
 protected:
  void plan(const std::vector<std::string>& due) {
    ASSERT_TRUE(flow_.plan({"all"}));
    consumers_.find(flow_.dag);
    jobs_.plan(graph_, [&](NodeId node) {
      return std::any_of(due.begin(), due.end(),
                         [&](const auto& name) { return flow_.name_of(node) == name; });
    });
  }
  NodeId node(const std::string& name) const { return flow_.job(name); }
  std::vector<std::string> ready() {
    std::vector<std::string> names;
    for (const plan::JobId job : graph_.take_ready()) names.push_back(flow_.name_of(jobs_.node(job)));
    return names;
  }
  std::vector<std::string> finish(const std::string& name) {
    std::vector<plan::JobId> ready;
    graph_.start(jobs_.job(node(name)));
    graph_.finish(jobs_.job(node(name)), ready);
    std::vector<std::string> names;
    for (const plan::JobId job : ready) names.push_back(flow_.name_of(jobs_.node(job)));
    return names;
  }

  Workflow flow_{{rule("all").output("all").input("b").input("c"), rule("a").output("a"),
                  rule("b").output("b").input("a"), rule("c").output("c").input("a")}};
  plan::JobGraph graph_;
  Consumers consumers_;
  PlannedJobs jobs_{flow_.dag, flow_.rules, flow_.evaluator, {}};
};

TEST_F(PlannedJobsTest, OnlyWhatMustRunBecomesAJob) {
  plan({"b", "all"});
  EXPECT_THAT(ready(), ElementsAre("b"));
  EXPECT_EQ(jobs_.job(node("a")), plan::kNoJob);
  EXPECT_TRUE(jobs_.is_pending(node("b")));
  EXPECT_THAT(finish("b"), ElementsAre("all"));
  EXPECT_FALSE(jobs_.is_pending(node("b")));
}

TEST_F(PlannedJobsTest, AJobThatWasReadyWaitsForOneThatIsDueSince) {
  plan({"all"});
  EXPECT_THAT(ready(), ElementsAre("all"));
  ASSERT_TRUE(jobs_.grow({.due = {node("c")}}, consumers_));
  EXPECT_THAT(ready(), ElementsAre("c"));
  EXPECT_THAT(finish("c"), ElementsAre("all"));
}

TEST_F(PlannedJobsTest, WhatDependsOnADroppedJobWaitsNoLonger) {
  plan({"b", "c", "all"});
  EXPECT_THAT(ready(), ElementsAre("b", "c"));
  ASSERT_TRUE(jobs_.grow({.dropped = {node("c")}}, consumers_));
  EXPECT_EQ(jobs_.job(node("c")), plan::kNoJob);
  EXPECT_THAT(finish("b"), ElementsAre("all"));
}

TEST_F(PlannedJobsTest, ADroppedJobMayBeDueAgain) {
  plan({"b", "c", "all"});
  ready();
  ASSERT_TRUE(jobs_.grow({.dropped = {node("c")}}, consumers_));
  ASSERT_TRUE(jobs_.grow({.due = {node("c")}}, consumers_));
  EXPECT_THAT(ready(), ElementsAre("c"));
  EXPECT_THAT(finish("b"), IsEmpty());
  EXPECT_THAT(finish("c"), ElementsAre("all"));
}

}  // namespace
}  // namespace furrow::workflow
