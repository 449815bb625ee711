#include "workflow/dag/growing_cut.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"
#include "workflow/dag/dag_cut.hpp"
#include "workflow/dag/growth.hpp"

namespace furrow::workflow {
namespace {

using support::files_answer;
using support::rule;
using support::waiting_answer;
using support::Workflow;
using support::write;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// all -> sum -> (function: split; then work 1, work 2) -> end, and all -> side.
class GrowingCutTest : public testing::Test {
 protected:
  void plan(const std::vector<std::string>& until, const std::vector<std::string>& omitted) {
    plan({rule("all").aggregates().input("end").input("side"), rule("end").output("end").input("sum"),
          rule("sum").output("sum").input_function(), rule("split").checkpoint().output("parts"),
          rule("work").output("{i}.done").input("{i}.raw"), rule("raw").output("{i}.raw").input("parts"),
          rule("side").output("side")},
         until, omitted);
  }
  void plan(Workflow::Rules rules, const std::vector<std::string>& until,
            const std::vector<std::string>& omitted) {
    flow_ = std::make_unique<Workflow>(std::move(rules));
    flow_->evaluator.answer_inputs = [this](const InputQuestion& question) -> InputAnswer {
      const std::string& name = flow_->rules[question.rule].rule.name;
      const auto& finished = flow_->evaluator.finished_checkpoints;
      for (const std::string& file : waits_[name]) {
        if (std::find(finished.begin(), finished.end(), file) == finished.end()) return waiting_answer(file);
      }
      return files_answer(answers_[name]);
    };
    builder_ = std::make_unique<DagBuilder>(flow_->dag, flow_->rules, flow_->evaluator, flow_->states);
    ASSERT_TRUE(builder_->build({{"all"}, false}));
    if (!until.empty()) {
      ASSERT_TRUE(keep_until(flow_->dag, flow_->rules, until));
    }
    if (!omitted.empty()) {
      ASSERT_TRUE(omit_from(flow_->dag, flow_->rules, omitted));
    }
    cut_ = std::make_unique<GrowingCut>(flow_->dag, flow_->rules, until, omitted);
    staleness_ = std::make_unique<Staleness>(flow_->dag, flow_->rules, flow_->states, flow_->evaluator,
                                             nullptr, StalenessOptions{});
    ASSERT_TRUE(staleness_->decide());
    growth_ = std::make_unique<Growth>(flow_->dag, flow_->rules, flow_->states, flow_->evaluator, *builder_,
                                       *staleness_);
    growth_->set_cut(cut_.get());
    ASSERT_TRUE(growth_->settle());
  }

  GrowthStep run(const std::string& file) {
    write(file, "");
    flow_->states.reload(flow_->file(file));
    const NodeId node = flow_->job(file);
    auto step = growth_->after({&node, 1}, [](NodeId) { return false; });
    EXPECT_TRUE(step) << step.error().to_string();
    return step ? *step : GrowthStep{};
  }

  std::vector<std::string> names(const std::vector<NodeId>& nodes) const {
    std::vector<std::string> names;
    for (const NodeId node : nodes) names.push_back(flow_->name_of(node));
    return names;
  }

  support::TemporaryFolder folder_;
  std::map<std::string, std::vector<std::string>> waits_{{"sum", {"parts"}}};
  std::map<std::string, std::vector<std::string>> answers_{{"sum", {"1.done", "2.done"}}};
  std::unique_ptr<Workflow> flow_;
  std::unique_ptr<DagBuilder> builder_;
  std::unique_ptr<GrowingCut> cut_;
  std::unique_ptr<Staleness> staleness_;
  std::unique_ptr<Growth> growth_;
};

TEST_F(GrowingCutTest, UntilARuleBehindTheCheckpointRunsItsJobsAndNoneThatDependOnThem) {
  plan({"raw"}, {});
  EXPECT_THAT(flow_->jobs(), ElementsAre("split"));
  EXPECT_TRUE(flow_->dag.may_grow());
  EXPECT_THAT(names(run("parts").due), UnorderedElementsAre("raw(i=1)", "raw(i=2)"));
  EXPECT_THAT(flow_->jobs(), UnorderedElementsAre("split", "raw(i=1)", "raw(i=2)"));
  EXPECT_FALSE(flow_->dag.may_grow());
}

TEST_F(GrowingCutTest, UntilAFileBehindTheCheckpoint) {
  plan({"2.raw"}, {});
  EXPECT_THAT(names(run("parts").due), ElementsAre("raw(i=2)"));
  EXPECT_THAT(names(flow_->dag.targets()), UnorderedElementsAre("split", "raw(i=2)"));
}

TEST_F(GrowingCutTest, MoreJobsOfAKnownNameTurnUp) {
  answers_["sum"] = {"1.done", "2.done", "side"};
  waits_["work"] = {};
  plan({rule("all").aggregates().input("sum").input("0.done"), rule("sum").output("sum").input_function(),
        rule("split").checkpoint().output("parts"), rule("work").output("{i}.done").input("parts"),
        rule("side").output("side")},
       {"work"}, {});
  EXPECT_THAT(flow_->jobs(), ElementsAre("split", "work(i=0)"));
  EXPECT_THAT(names(run("parts").due), UnorderedElementsAre("work(i=1)", "work(i=2)"));
}

TEST_F(GrowingCutTest, UntilAKnownRuleThatNeedsNoCheckpointRunsNone) {
  plan({"side"}, {});
  EXPECT_THAT(flow_->jobs(), ElementsAre("side"));
  EXPECT_FALSE(flow_->dag.may_grow());
}

TEST_F(GrowingCutTest, WhatWasCutBeforeMayBeNeededLater) {
  answers_["sum"] = {"late"};
  plan({rule("all").aggregates().input("sum").input("other"), rule("sum").output("sum").input_function(),
        rule("split").checkpoint().output("parts"), rule("late").output("late").input("help"),
        rule("other").output("other").input("help"), rule("help").output("help")},
       {"late"}, {});
  EXPECT_THAT(flow_->jobs(), ElementsAre("split"));
  EXPECT_THAT(names(run("parts").due), UnorderedElementsAre("help", "late"));
}

TEST_F(GrowingCutTest, ACheckpointBehindTheCheckpointIsRunAsLongAsNoNamedJobIsKnown) {
  waits_["sum"] = {"parts", "more"};
  plan({rule("all").aggregates().input("sum"), rule("sum").output("sum").input_function(),
        rule("split").checkpoint().output("parts"), rule("more").checkpoint().output("more").input("parts"),
        rule("work").output("{i}.done").input("more")},
       {"work"}, {});
  EXPECT_THAT(flow_->jobs(), ElementsAre("split"));
  EXPECT_THAT(names(run("parts").due), ElementsAre("more"));
  EXPECT_THAT(names(run("more").due), UnorderedElementsAre("work(i=1)", "work(i=2)"));
}

TEST_F(GrowingCutTest, OmitsJobsThatTurnUpAndThoseThatDependOnThem) {
  plan({}, {"work"});
  EXPECT_THAT(flow_->jobs(), UnorderedElementsAre("split", "sum", "end", "side", "all"));
  const GrowthStep step = run("parts");
  EXPECT_THAT(names(step.due), UnorderedElementsAre("raw(i=1)", "raw(i=2)")) << "they do not depend on work";
  EXPECT_THAT(names(step.dropped), UnorderedElementsAre("sum", "end", "all"));
  EXPECT_THAT(flow_->jobs(), UnorderedElementsAre("split", "side", "raw(i=1)", "raw(i=2)"));
}

TEST_F(GrowingCutTest, OmitsOneFileBehindTheCheckpoint) {
  plan({}, {"1.raw"});
  const GrowthStep step = run("parts");
  EXPECT_THAT(names(step.due), UnorderedElementsAre("raw(i=2)", "work(i=2)"));
  EXPECT_THAT(names(step.dropped), UnorderedElementsAre("sum", "end", "all"));
}

TEST_F(GrowingCutTest, AnOmittedJobIsNotAsked) {
  plan({}, {"sum"});
  EXPECT_THAT(flow_->jobs(), UnorderedElementsAre("split", "side"));
  EXPECT_FALSE(flow_->dag.may_grow());
  EXPECT_TRUE(run("parts").empty());
}

TEST_F(GrowingCutTest, ACheckpointThatIsUpToDateIsCutBehindToo) {
  write("parts", "");
  plan({}, {"work"});
  EXPECT_THAT(flow_->jobs(), UnorderedElementsAre("split", "side", "raw(i=1)", "raw(i=2)"));
  plan({"raw"}, {});
  EXPECT_THAT(flow_->jobs(), UnorderedElementsAre("split", "raw(i=1)", "raw(i=2)"));
}

TEST_F(GrowingCutTest, ANameThatNoRuleCanMakeIsAnError) {
  plan({}, {});
  const auto until = keep_until(flow_->dag, flow_->rules, {"1.dne"});
  ASSERT_FALSE(until);
  EXPECT_THAT(until.error().to_string(), HasSubstr("1.dne is neither a rule nor a file"));
}

}  // namespace
}  // namespace furrow::workflow
