#include "workflow/dag/dag_cut.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::Workflow;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// a -> b -> c -> all, and a -> side -> all.
class DagCut : public testing::Test {
 protected:
  DagCut()
      : flow_({rule("all").aggregates().input("1.c").input("2.c").input("side"),
               rule("c").output("{x}.c").input("{x}.b"), rule("b").output("{x}.b").input("{x}.a"),
               rule("a").output("{x}.a"), rule("side").output("side").input("1.a"),
               rule("unused").output("unused")}) {
    EXPECT_TRUE(flow_.plan({"all"}));
  }
  std::vector<std::string> names(const std::vector<NodeId>& nodes) const {
    std::vector<std::string> names;
    for (const NodeId node : nodes) names.push_back(flow_.name_of(node));
    return names;
  }
  std::vector<std::string> target_files() const {
    std::vector<std::string> names;
    for (const FileId file : flow_.dag.target_files()) names.emplace_back(flow_.dag.files.view(file));
    return names;
  }
  Workflow flow_;
};

TEST_F(DagCut, UntilARuleKeepsItsJobsAndWhatTheyNeed) {
  ASSERT_TRUE(keep_until(flow_.dag, flow_.rules, {"b"}));
  EXPECT_THAT(flow_.jobs(), ElementsAre("a(x=1)", "b(x=1)", "a(x=2)", "b(x=2)"));
  EXPECT_THAT(names(flow_.dag.targets()), ElementsAre("b(x=1)", "b(x=2)"));
  EXPECT_THAT(target_files(), ElementsAre("1.b", "2.b"));
}

TEST_F(DagCut, UntilAFileKeepsOneJobAndWhatItNeeds) {
  ASSERT_TRUE(keep_until(flow_.dag, flow_.rules, {"2.b"}));
  EXPECT_THAT(flow_.jobs(), ElementsAre("a(x=2)", "b(x=2)"));
}

TEST_F(DagCut, UntilSeveralNamesKeepsTheirUnion) {
  ASSERT_TRUE(keep_until(flow_.dag, flow_.rules, {"2.b", "side"}));
  EXPECT_THAT(flow_.jobs(), UnorderedElementsAre("a(x=1)", "a(x=2)", "b(x=2)", "side"));
}

TEST_F(DagCut, UntilARuleThatIsNotNeededKeepsNothing) {
  ASSERT_TRUE(keep_until(flow_.dag, flow_.rules, {"unused"}));
  EXPECT_THAT(flow_.jobs(), IsEmpty());
}

TEST_F(DagCut, OmitFromARuleDropsItsJobsAndTheirDependents) {
  ASSERT_TRUE(omit_from(flow_.dag, flow_.rules, {"c"}));
  EXPECT_THAT(flow_.jobs(), UnorderedElementsAre("a(x=1)", "b(x=1)", "a(x=2)", "b(x=2)", "side"));
  EXPECT_THAT(names(flow_.dag.targets()), UnorderedElementsAre("b(x=1)", "b(x=2)", "side"));
}

TEST_F(DagCut, OmitFromAFileKeepsOtherJobsOfItsRule) {
  ASSERT_TRUE(omit_from(flow_.dag, flow_.rules, {"1.b"}));
  EXPECT_THAT(flow_.jobs(), UnorderedElementsAre("a(x=1)", "a(x=2)", "b(x=2)", "c(x=2)", "side"));
}

TEST_F(DagCut, OmitFromTheFirstRuleDropsEverything) {
  ASSERT_TRUE(omit_from(flow_.dag, flow_.rules, {"a"}));
  EXPECT_THAT(flow_.jobs(), IsEmpty());
}

TEST_F(DagCut, AnUnknownNameIsAnErrorThatNamesTheNearestRule) {
  const auto until = keep_until(flow_.dag, flow_.rules, {"sidee"});
  ASSERT_FALSE(until);
  EXPECT_THAT(until.error().to_string(), AllOf(HasSubstr("sidee is neither a rule nor a file"),
                                               HasSubstr("Did you mean the rule side?")));
  EXPECT_FALSE(omit_from(flow_.dag, flow_.rules, {"nothing"}));
  EXPECT_EQ(flow_.jobs().size(), 8u);
}

}  // namespace
}  // namespace furrow::workflow
