#include "workflow/jobs/gangs.hpp"

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
using ::testing::UnorderedElementsAre;

class GangsTest : public testing::Test {
 protected:
  using Names = std::vector<std::vector<std::string>>;

  void plan(Workflow::Rules rules, const std::vector<std::string>& targets) {
    flow_ = std::make_unique<Workflow>(std::move(rules));
    ASSERT_TRUE(flow_->plan(targets));
    consumers_.find(flow_->dag);
    gangs_ = std::make_unique<Gangs>(flow_->dag, flow_->rules, consumers_);
  }
  Names found() {
    const auto done = gangs_->find(must_run);
    EXPECT_TRUE(done) << done.error().to_string();
    Names names;
    for (const Gangs::Gang& gang : gangs_->all()) {
      if (gang.nodes.empty()) continue;
      auto& jobs = names.emplace_back();
      for (const NodeId node : gang.nodes) jobs.push_back(flow_->name_of(node));
    }
    return names;
  }
  std::string mistake() {
    const auto done = gangs_->find(must_run);
    return done ? "found" : done.error().to_string();
  }

  std::function<bool(NodeId)> must_run = [](NodeId) { return true; };
  std::unique_ptr<Workflow> flow_;
  Consumers consumers_;
  std::unique_ptr<Gangs> gangs_;
};

TEST_F(GangsTest, APipeConnectsItsWriterAndItsReader) {
  plan({rule("all").aggregates().input("1.b").input("2.b"), rule("b").output("{n}.b").input("{n}.a"),
        rule("a").output("{n}.a", kPipe)},
       {"all"});
  EXPECT_THAT(found(),
              UnorderedElementsAre(ElementsAre("a(n=1)", "b(n=1)"), ElementsAre("a(n=2)", "b(n=2)")));
  EXPECT_TRUE(gangs_->are_partners(flow_->job("1.a"), flow_->job("1.b")));
  EXPECT_FALSE(gangs_->are_partners(flow_->job("1.a"), flow_->job("2.b")));
  EXPECT_EQ(gangs_->of(flow_->dag.targets().front()), nullptr);
}

TEST_F(GangsTest, ChainsAndFansAreOneGang) {
  plan({rule("c").output("c").input("1.b").input("2.b"), rule("b").output("{n}.b", kPipe).input("{n}.a"),
        rule("a").output("{n}.a", kPipe)},
       {"c"});
  const auto gangs = found();
  ASSERT_EQ(gangs.size(), 1u);
  EXPECT_THAT(gangs[0], UnorderedElementsAre("a(n=1)", "a(n=2)", "b(n=1)", "b(n=2)", "c"));
  EXPECT_EQ(gangs[0].back(), "c") << "a reader comes after its writers";
}

TEST_F(GangsTest, JobsThatNeedNotRunAreLeftOut) {
  plan({rule("b").output("b").input("a"), rule("a").output("a", kPipe)}, {"b"});
  must_run = [](NodeId) { return false; };
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(GangsTest, AServiceKnowsThoseThatUseIt) {
  plan({rule("all").aggregates().input("1.b").input("2.b"), rule("b").output("{n}.b").input("s"),
        rule("s").output("s", kService)},
       {"all"});
  EXPECT_THAT(found(), ElementsAre(ElementsAre("s", "b(n=1)", "b(n=2)")));
  EXPECT_THAT(gangs_->all()[0].serves, UnorderedElementsAre(std::pair(flow_->job("s"), flow_->job("1.b")),
                                                            std::pair(flow_->job("s"), flow_->job("2.b"))));
}

TEST_F(GangsTest, NoReaderAndTwoReadersAreMistakes) {
  plan({rule("a").output("a", kPipe)}, {"a"});
  EXPECT_THAT(mistake(), HasSubstr("pipe(a) of rule a is read by no job"));
  plan({rule("all").aggregates().input("1.b").input("2.b"), rule("b").output("{n}.b").input("a"),
        rule("a").output("a", kPipe)},
       {"all"});
  EXPECT_THAT(mistake(), HasSubstr("is read by more than one job: b (n=1) and b (n=2)"));
}

TEST_F(GangsTest, APathThatLeavesAGangAndComesBackIsAMistake) {
  plan({rule("b").output("b").input("a").input("d"), rule("a").output("a", kPipe).output("c"),
        rule("d").output("d").input("e"), rule("e").output("e").input("c")},
       {"b"});
  EXPECT_THAT(mistake(), HasSubstr("b can never start: it waits for e, which waits for a"));
}

TEST_F(GangsTest, GangsThatWaitForEachOtherAreAMistake) {
  plan({rule("b").output("b").input("a").input("y2"), rule("a").output("a", kPipe).output("a2"),
        rule("y").output("y2").input("x"), rule("x").output("x", kPipe).input("a2")},
       {"b"});
  EXPECT_THAT(mistake(), HasSubstr("b can never start"));
}

TEST_F(GangsTest, OneGangMayComeBeforeAnother) {
  plan({rule("d").output("d").input("c").input("b"), rule("c").output("c", kPipe),
        rule("b").output("b").input("a"), rule("a").output("a", kPipe)},
       {"d"});
  EXPECT_THAT(found(), UnorderedElementsAre(ElementsAre("a", "b"), ElementsAre("c", "d")));
}

TEST_F(GangsTest, TakesWhatIsDueLater) {
  plan({rule("all").aggregates().input("1.b").input("2.b"), rule("b").output("{n}.b").input("{n}.a"),
        rule("a").output("{n}.a", kPipe)},
       {"all"});
  const NodeId late[] = {flow_->job("2.a"), flow_->job("2.b")};
  must_run = [&](NodeId node) { return node != late[0] && node != late[1]; };
  EXPECT_EQ(found().size(), 1u);
  EXPECT_THAT(gangs_->extend(late, [](NodeId) { return true; }), IsEmpty());
  EXPECT_TRUE(gangs_->are_partners(late[0], late[1]));
  EXPECT_EQ(gangs_->all().size(), 2u);
}

TEST_F(GangsTest, SaysWhichJobsCannotRunAnyLonger) {
  plan({rule("all").aggregates().input("1.b").input("2.b"), rule("b").output("{n}.b").input("a"),
        rule("a").output("a", kPipe)},
       {"all"});
  const NodeId late = flow_->job("2.b");
  must_run = [&](NodeId node) { return node != late; };
  EXPECT_EQ(found().size(), 1u);
  const auto failed = gangs_->extend({&late, 1}, [](NodeId) { return true; });
  ASSERT_FALSE(failed.empty());
  EXPECT_THAT(failed.front().second.message, HasSubstr("more than one job"));
}

}  // namespace
}  // namespace furrow::workflow
