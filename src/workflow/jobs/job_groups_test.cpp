#include "workflow/jobs/job_groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::Workflow;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JobGroupsTest : public testing::Test {
 protected:
  using Names = std::vector<std::vector<std::string>>;

  void plan(Workflow::Rules rules, const std::vector<std::string>& targets) {
    flow_ = std::make_unique<Workflow>(std::move(rules));
    ASSERT_TRUE(flow_->plan(targets));
  }
  Result<JobGroups> find(const std::map<std::string, std::size_t>& components = {}) {
    return JobGroups::find(flow_->dag, flow_->rules, flow_->evaluator, must_run, components);
  }
  // The jobs of each group.
  Names groups(const std::map<std::string, std::size_t>& components = {}) {
    const auto found = find(components);
    EXPECT_TRUE(found) << found.error().to_string();
    Names names;
    for (const auto& group : found->all()) {
      auto& jobs = names.emplace_back();
      for (const NodeId node : group.nodes) jobs.push_back(flow_->name_of(node));
    }
    return names;
  }
  std::string mistake() {
    const auto found = find();
    return found ? "found" : found.error().to_string();
  }

  std::function<bool(NodeId)> must_run = [](NodeId) { return true; };
  std::unique_ptr<Workflow> flow_;
};

TEST_F(JobGroupsTest, ConnectedJobsGoTogether) {
  plan({rule("all").aggregates().input("1.b").input("2.b"),
        rule("b").output("{n}.b").input("{n}.a").group("g"), rule("a").output("{n}.a").group("g")},
       {"all"});
  EXPECT_THAT(groups(), ElementsAre(ElementsAre("a(n=1)", "b(n=1)"), ElementsAre("a(n=2)", "b(n=2)")));
  EXPECT_EQ(find()->group_of(flow_->job("1.a")), find()->group_of(flow_->job("1.b")));
  EXPECT_NE(find()->group_of(flow_->job("1.a")), find()->group_of(flow_->job("2.a")));
}

TEST_F(JobGroupsTest, AJobThatNeedsSeveralPartsJoinsThem) {
  plan({rule("all").output("all").input("1.a").input("2.a").group("g"), rule("a").output("{n}.a").group("g")},
       {"all"});
  EXPECT_THAT(groups(), ElementsAre(SizeIs(3)));
}

TEST_F(JobGroupsTest, PutsUpToTheGivenNumberOfPartsTogether) {
  plan({rule("all").aggregates().input("1.a").input("2.a").input("3.a").input("4.a").input("5.a"),
        rule("a").output("{n}.a").group("g")},
       {"all"});
  EXPECT_THAT(groups(), IsEmpty()) << "a group of one is none";
  EXPECT_THAT(groups({{"g", 2}}), ElementsAre(SizeIs(2), SizeIs(2)));
  EXPECT_THAT(groups({{"g", 9}}), ElementsAre(SizeIs(5)));
  EXPECT_THAT(groups({{"h", 9}}), IsEmpty());
}

TEST_F(JobGroupsTest, KeepsPartsThatNeedEachOtherApart) {
  plan({rule("all").aggregates().input("1.c").input("2.c"),
        rule("c").output("{n}.c").input("{n}.b").group("g"), rule("b").output("{n}.b").input("{n}.a"),
        rule("a").output("{n}.a").group("g")},
       {"all"});
  EXPECT_THAT(groups({{"g", 9}}),
              ElementsAre(ElementsAre("a(n=1)", "a(n=2)"), ElementsAre("c(n=1)", "c(n=2)")));
}

TEST_F(JobGroupsTest, GroupNamesMayHaveWildcards) {
  plan({rule("all").aggregates().input("x.1").input("x.2").input("y.1"),
        rule("a").output("{s}.{n}").group("g_{s}")},
       {"all"});
  EXPECT_THAT(groups({{"g_{s}", 5}}), ElementsAre(ElementsAre("a(s=x, n=1)", "a(s=x, n=2)")));
  EXPECT_THAT(groups({{"g_x", 5}}), ElementsAre(SizeIs(2)));
  EXPECT_EQ(find({{"g_x", 5}})->all().front().name, "g_x");
}

TEST_F(JobGroupsTest, AFileMayTieItsProducerAndConsumersTogether) {
  const FileFlags tied = kTemp | kTogether;
  plan({rule("all").aggregates().input("1.c").input("2.c").input("1.a"),
        rule("c").output("{n}.c").input("{n}.b").input("{n}.x"),
        rule("b").output("{n}.b", tied).input("{n}.a"), rule("a").output("{n}.a", tied),
        rule("x").output("{n}.x")},
       {"all"});
  EXPECT_THAT(groups(), ElementsAre(ElementsAre("a(n=1)", "b(n=1)", "c(n=1)"),
                                    ElementsAre("a(n=2)", "b(n=2)", "c(n=2)")));
  EXPECT_EQ(find()->all().front().name, "temp-a");
}

TEST_F(JobGroupsTest, TiedJobsTakeTheGroupThatOneOfThemNames) {
  plan({rule("b").output("b").input("a").input("x").group("g"), rule("a").output("a", kTemp | kTogether),
        rule("x").output("x").group("g")},
       {"b"});
  EXPECT_THAT(groups(), ElementsAre(SizeIs(3)));
  EXPECT_EQ(find()->all().front().name, "g");
  plan({rule("b").output("b").input("a").group("g"), rule("a").output("a", kTemp | kTogether).group("h")},
       {"b"});
  EXPECT_THAT(mistake(), HasSubstr("rules b and a share files flagged temp(..., group_jobs=True), and are of "
                                   "the groups g and h"));
}

TEST_F(JobGroupsTest, LocalJobsAreNotTied) {
  plan({rule("b").output("b").input("a").local(), rule("a").output("a", kTemp | kTogether)}, {"b"});
  EXPECT_THAT(groups(), IsEmpty());
}

TEST_F(JobGroupsTest, AsksAllGroupFunctionsInOneMessage) {
  plan({rule("all").aggregates().input("1.a").input("2.a").input("3.a"),
        rule("a").output("{n}.a").group_function()},
       {"all"});
  flow_->evaluator.answer_details = [](const DetailQuestion& question) -> Result<DetailAnswer> {
    EXPECT_TRUE(question.group);
    DetailAnswer answer;
    answer.group = question.job.wildcards.front().second == "3" ? "" : "g";
    return answer;
  };
  EXPECT_THAT(groups({{"g", 5}}), ElementsAre(ElementsAre("a(n=1)", "a(n=2)")));
  EXPECT_THAT(flow_->evaluator.detail_batches, ElementsAre(3));
}

TEST_F(JobGroupsTest, LeavesOutJobsThatNeedNotRun) {
  plan({rule("b").output("b").input("a").group("g"), rule("a").output("a").group("g")}, {"b"});
  must_run = [&](NodeId node) { return node != flow_->job("a"); };
  EXPECT_THAT(groups(), IsEmpty());
}

TEST_F(JobGroupsTest, APathThatLeavesAndReentersAGroupIsAnError) {
  plan({rule("d").output("d").input("a").input("c").group("g"), rule("c").output("c").input("b"),
        rule("b").output("b").input("a"), rule("a").output("a").group("g")},
       {"d"});
  EXPECT_THAT(mistake(), HasSubstr("group g needs itself: jobs of b, c stand between"));
}

TEST_F(JobGroupsTest, GroupsThatNeedEachOtherAreAnError) {
  // g: a1 before b1; h: b2 before a2; a1 before a2, and b2 before b1.
  plan({rule("all").aggregates().input("b1").input("a2"),
        rule("b1").output("b1").input("a1").input("b2").group("g"),
        rule("a2").output("a2").input("b2").input("a1").group("h"), rule("a1").output("a1").group("g"),
        rule("b2").output("b2").group("h")},
       {"all"});
  EXPECT_THAT(mistake(), HasSubstr("the groups g and h need each other's jobs"));
}

}  // namespace
}  // namespace furrow::workflow
