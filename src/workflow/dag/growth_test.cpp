#include "workflow/dag/growth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

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

// The test plays the evaluator: each job's function waits for some files, then answers with others.
class GrowthTest : public testing::Test {
 protected:
  struct Function {
    std::vector<std::string> waits_for, returns;
    std::string fails{};
  };

  void plan(Workflow::Rules rules, const std::vector<std::string>& targets, StalenessOptions options = {}) {
    flow_ = std::make_unique<Workflow>(std::move(rules));
    flow_->evaluator.answer_inputs = [this](const InputQuestion& question) { return answer(question); };
    builder_ = std::make_unique<DagBuilder>(flow_->dag, flow_->rules, flow_->evaluator, flow_->states);
    const auto built = builder_->build({targets, false});
    ASSERT_TRUE(built) << built.error().to_string();
    staleness_ = std::make_unique<Staleness>(flow_->dag, flow_->rules, flow_->states, flow_->evaluator,
                                             nullptr, std::move(options));
    ASSERT_TRUE(staleness_->decide());
    growth_ = std::make_unique<Growth>(flow_->dag, flow_->rules, flow_->states, flow_->evaluator, *builder_,
                                       *staleness_);
    const auto settled = growth_->settle();
    ASSERT_TRUE(settled) << settled.error().to_string();
    if (*settled) builder_->sort();
  }

  InputAnswer answer(const InputQuestion& question) {
    std::string key = flow_->rules[question.rule].rule.name;
    for (const auto& [name, value] : question.wildcards) key += " " + value;
    ++asked_[key];
    const Function& function = functions_.at(key);
    const auto& finished = flow_->evaluator.finished_checkpoints;
    for (const std::string& file : function.waits_for) {
      if (std::find(finished.begin(), finished.end(), file) == finished.end()) return waiting_answer(file);
    }
    if (!function.fails.empty()) return fail(function.fails);
    return files_answer(function.returns);
  }

  // The job that makes FILE has run, and so has what else is named.
  GrowthStep run(const std::string& file, const std::set<std::string>& started = {}) {
    write(file, "");
    flow_->states.reload(flow_->file(file));
    const NodeId node = flow_->job(file);
    ended_.insert(node);
    auto step = growth_->after({&node, 1}, [&](NodeId other) {
      return ended_.contains(other) || std::any_of(started.begin(), started.end(), [&](const auto& name) {
               return flow_->job(name) == other;
             });
    });
    EXPECT_TRUE(step) << step.error().to_string();
    return step ? *step : GrowthStep{};
  }

  std::vector<std::string> names(const std::vector<NodeId>& nodes) const {
    std::vector<std::string> names;
    for (const NodeId node : nodes) names.push_back(flow_->name_of(node));
    return names;
  }
  std::vector<std::string> due() const {
    std::vector<std::string> names;
    for (const NodeId node : flow_->dag.order()) {
      if (staleness_->must_run(node)) names.push_back(flow_->name_of(node));
    }
    return names;
  }

  // rule split: in -> parts; rule work: {i}.part -> {i}.done; rule sum: function -> sum.
  static Workflow::Rules split_and_sum() {
    return {rule("sum").output("sum").input_function(),
            rule("split").checkpoint().output("parts").input("in"),
            rule("work").output("{i}.done").input("parts")};
  }

  support::TemporaryFolder folder_;
  std::map<std::string, Function> functions_;
  std::map<std::string, int> asked_;
  std::unique_ptr<Workflow> flow_;
  std::unique_ptr<DagBuilder> builder_;
  std::unique_ptr<Staleness> staleness_;
  std::unique_ptr<Growth> growth_;
  std::set<NodeId> ended_;
};

TEST_F(GrowthTest, AJobThatNeedsTheOutputOfACheckpointIsAskedOnceMore) {
  auto rules = split_and_sum();
  rules[0] = rule("sum").output("sum").input("parts").input_function();
  write("in", "", 10);
  functions_["sum"] = {{}, {}};
  plan(std::move(rules), {"sum"});
  EXPECT_TRUE(growth_->is_complete());
  functions_["sum"] = {{}, {"a.done"}};
  GrowthStep step = run("parts");
  EXPECT_THAT(names(step.due), ElementsAre("work(i=a)"));
  ASSERT_EQ(step.extension.answered.size(), 1u);
  EXPECT_FALSE(step.extension.answered[0].has_waited);
  EXPECT_EQ(flow_->dag.inputs(flow_->job("sum")).size(), 2u);
}

TEST_F(GrowthTest, AJobThatAnswersAsBeforeOrHasStartedStaysAsItIs) {
  auto rules = split_and_sum();
  rules[0] = rule("sum").output("sum").input("parts").input_function();
  rules.push_back(rule("early").output("early").input("parts").input_function());
  write("in", "", 10);
  functions_["sum"] = functions_["early"] = {{}, {"a.done"}};
  plan(std::move(rules), {"sum", "early"});
  functions_["early"] = {{}, {"b.done"}};
  EXPECT_TRUE(run("parts", {"early"}).empty());
  EXPECT_EQ(asked_["sum"], 2);
  EXPECT_EQ(asked_["early"], 1);
}

TEST_F(GrowthTest, AFunctionThatWaitsHasTheCheckpointAsInput) {
  write("in", "", 10);
  functions_["sum"] = {{"parts"}, {"a.done", "b.done"}};
  plan(split_and_sum(), {"sum"});
  EXPECT_THAT(flow_->inputs(flow_->job("sum")), ElementsAre("parts"));
  EXPECT_TRUE(growth_->is_unanswered(flow_->job("sum")));
  EXPECT_FALSE(growth_->is_complete());
  EXPECT_THAT(due(), ElementsAre("split", "sum"));
  EXPECT_THAT(awaited_checkpoints(flow_->dag, flow_->rules, flow_->job("sum")),
              ElementsAre("checkpoint split"));
}

TEST_F(GrowthTest, AddsWhatTheAnswerNeeds) {
  write("in", "", 10);
  functions_["sum"] = {{"parts"}, {"a.done", "b.done"}};
  plan(split_and_sum(), {"sum"});
  const GrowthStep step = run("parts");
  EXPECT_THAT(names(step.due), ElementsAre("work(i=a)", "work(i=b)"));
  EXPECT_THAT(step.dropped, IsEmpty());
  EXPECT_THAT(flow_->inputs(flow_->job("sum")), ElementsAre("a.done", "b.done"));
  EXPECT_TRUE(growth_->is_complete());
  EXPECT_EQ(asked_["sum"], 2);
}

TEST_F(GrowthTest, AJobThatMakesAFileOfAnotherJobIsNotAdded) {
  auto rules = split_and_sum();
  rules[2] = rule("work").output("{i}.done").output("{i}.list").input("parts");
  rules.push_back(rule("other").output("other").output("a.list"));
  write("in", "", 10);
  functions_["sum"] = {{"parts"}, {"b.done", "a.done"}};
  plan(std::move(rules), {"sum", "other"});
  const GrowthStep step = run("parts");
  ASSERT_EQ(step.extension.failed.size(), 1u);
  EXPECT_THAT(step.extension.failed[0].second.to_string(), HasSubstr("are ambiguous for the file a.list"));
  EXPECT_THAT(flow_->jobs(), UnorderedElementsAre("split", "other", "sum"));
  EXPECT_THAT(step.due, IsEmpty());
}

TEST_F(GrowthTest, ACheckpointThatIsUpToDateIsAskedWhenPlanning) {
  write("in", "", 10);
  write("parts", "", 20);
  functions_["sum"] = {{"parts"}, {"a.done"}};
  plan(split_and_sum(), {"sum"});
  EXPECT_THAT(flow_->jobs(), ElementsAre("split", "work(i=a)", "sum"));
  EXPECT_THAT(due(), ElementsAre("work(i=a)", "sum"));
}

TEST_F(GrowthTest, ACheckpointThatMustRunIsNotAskedWhenPlanning) {
  write("in", "", 30);
  write("parts", "", 20);
  functions_["sum"] = {{"parts"}, {"a.done"}};
  plan(split_and_sum(), {"sum"});
  EXPECT_THAT(due(), ElementsAre("split", "sum"));
}

TEST_F(GrowthTest, DropsAFollowerThatIsUpToDateAndWhatOnlyItNeeds) {
  write("in", "", 30);
  write("parts", "", 10);
  write("list", "", 5);
  write("sum", "", 20);
  write("end", "", 25);
  functions_["sum"] = {{"parts"}, {"list"}};
  plan({rule("end").output("end").input("sum"), rule("sum").output("sum").input_function().input("helper"),
        rule("split").checkpoint().output("parts").input("in"), rule("help").output("helper")},
       {"end"});
  EXPECT_THAT(due(), UnorderedElementsAre("split", "help", "sum", "end"));
  const GrowthStep step = run("parts");
  EXPECT_THAT(names(step.dropped), UnorderedElementsAre("help", "sum", "end"));
  EXPECT_THAT(step.due, IsEmpty());
}

TEST_F(GrowthTest, WhatHasStartedIsNotDropped) {
  write("in", "", 30);
  write("parts", "", 10);
  write("list", "", 5);
  write("sum", "", 20);
  functions_["sum"] = {{"parts"}, {"list"}};
  plan({rule("sum").output("sum").input_function().input("helper"),
        rule("split").checkpoint().output("parts").input("in"), rule("help").output("helper")},
       {"sum"});
  const GrowthStep step = run("parts", {"helper"});
  EXPECT_THAT(names(step.dropped), IsEmpty());
  EXPECT_THAT(due(), UnorderedElementsAre("split", "help", "sum")) << "help makes an input of sum anew";
}

TEST_F(GrowthTest, AnOldJobThatANewOneNeedsIsDue) {
  write("in", "", 30);
  write("old", "", 20);
  functions_["sum"] = {{"parts"}, {"a.done"}};
  plan({rule("all").aggregates().input("sum").input("old"), rule("sum").output("sum").input_function(),
        rule("split").checkpoint().output("parts").input("in"), rule("old").output("old").input("tmp"),
        rule("tmp").output("tmp", kTemp), rule("work").output("{i}.done").input("tmp")},
       {"all"});
  EXPECT_THAT(due(), UnorderedElementsAre("all", "split", "sum"));
  const GrowthStep step = run("parts");
  EXPECT_THAT(names(step.due), UnorderedElementsAre("tmp", "work(i=a)", "old"));
}

TEST_F(GrowthTest, ACheckpointBehindACheckpoint) {
  write("in", "", 10);
  functions_["sum"] = {{"parts", "more/a"}, {"a.done"}};
  plan({rule("sum").output("sum").input_function(), rule("split").checkpoint().output("parts").input("in"),
        rule("more").checkpoint().output("more/{i}").input("parts"),
        rule("work").output("{i}.done").input("more/{i}")},
       {"sum"});
  EXPECT_THAT(names(run("parts").due), ElementsAre("more(i=a)"));
  EXPECT_TRUE(growth_->is_unanswered(flow_->job("sum")));
  EXPECT_THAT(names(run("more/a").due), ElementsAre("work(i=a)"));
  EXPECT_EQ(asked_["sum"], 3);
}

TEST_F(GrowthTest, AFailingFunctionConcernsItsJobAlone) {
  write("in", "", 10);
  functions_["sum"] = {{"parts"}, {}, "no such list"};
  functions_["other"] = {{"parts"}, {"a.done"}};
  auto rules = split_and_sum();
  rules.push_back(rule("other").output("other").input_function());
  plan(rules, {"sum", "other"});
  const GrowthStep step = run("parts");
  ASSERT_EQ(step.extension.failed.size(), 1u);
  EXPECT_EQ(step.extension.failed.front().first, flow_->job("sum"));
  EXPECT_THAT(step.extension.failed.front().second.to_string(), HasSubstr("no such list"));
  EXPECT_THAT(names(step.due), ElementsAre("work(i=a)"));
}

TEST_F(GrowthTest, InputsThatNobodyMakesAreAnErrorOfTheFollower) {
  write("in", "", 10);
  functions_["sum"] = {{"parts"}, {"nothing-makes-this"}};
  plan(split_and_sum(), {"sum"});
  const GrowthStep step = run("parts");
  ASSERT_EQ(step.extension.failed.size(), 1u);
  EXPECT_THAT(
      step.extension.failed.front().second.to_string(),
      testing::AllOf(HasSubstr("missing input"), HasSubstr("nothing-makes-this"), HasSubstr("Snakefile:")));
}

TEST_F(GrowthTest, ACycleIsAnErrorOfTheFollower) {
  write("in", "", 10);
  functions_["sum"] = {{"parts"}, {"x.loop"}};
  auto rules = split_and_sum();
  rules.push_back(rule("loop").output("{i}.loop").input("end"));
  rules.push_back(rule("end").output("end").input("sum"));
  plan(rules, {"end"});
  const GrowthStep step = run("parts");
  ASSERT_EQ(step.extension.failed.size(), 1u);
  EXPECT_THAT(step.extension.failed.front().second.to_string(),
              testing::AllOf(HasSubstr("a cycle"), HasSubstr("Snakefile:")));
}

// rule open: parts -> d/{i}, a folder; rule inside: -> d/{i}/note.
Workflow::Rules notes_in_folders(FileFlags flags, const std::string& needed) {
  return {rule("sum").output("sum").input_function(), rule("split").checkpoint().output("parts").input("in"),
          rule("open").output("d/{i,[a-z]+}", static_cast<FileFlags>(kDirectory | flags)).input("parts"),
          rule("step").output("{i}.step").input("d/{i}"), rule("inside").output("d/{i}/note").input(needed)};
}

TEST_F(GrowthTest, AJobMayWriteIntoTheFolderOfAJobThatItNeeds) {
  write("in", "", 10);
  for (const char* needed : {"d/{i}", "{i}.step"}) {
    functions_["sum"] = {{"parts"}, {"d/a/note"}};
    plan(notes_in_folders(0, needed), {"sum"});
    EXPECT_THAT(run("parts").extension.failed, IsEmpty()) << needed;
    ASSERT_TRUE(os::remove_tree("parts"));
    ended_.clear();
  }
}

TEST_F(GrowthTest, AFolderThatMayBeMadeLaterOrGoTakesNoFilesOfOthers) {
  write("in", "", 10);
  functions_["sum"] = {{"parts"}, {"d/a", "d/a/note"}};
  plan(notes_in_folders(0, "in"), {"sum"});
  GrowthStep step = run("parts");
  ASSERT_EQ(step.extension.failed.size(), 1u);
  EXPECT_THAT(step.extension.failed.front().second.to_string(), HasSubstr("lies in the folder d/a"));
  ASSERT_TRUE(os::remove_tree("parts"));
  ended_.clear();
  plan(notes_in_folders(kTemp, "d/{i}"), {"sum"});
  step = run("parts");
  ASSERT_EQ(step.extension.failed.size(), 1u);
  EXPECT_THAT(step.extension.failed.front().second.to_string(), HasSubstr("lies in the folder d/a"));
}

TEST_F(GrowthTest, AFunctionThatStillWaitsForWhatHasRunIsAnError) {
  write("in", "", 10);
  functions_["sum"] = {{"parts", "./parts"}, {}};
  plan({rule("sum").output("sum").input_function(), rule("split").checkpoint().output("parts").input("in"),
        rule("same").output("./parts2").input("in")},
       {"sum"});
  functions_["sum"].waits_for = {"never told"};
  flow_->evaluator.answer_inputs = [](const InputQuestion&) { return waiting_answer("parts"); };
  const GrowthStep step = run("parts");
  ASSERT_EQ(step.extension.failed.size(), 1u);
  EXPECT_THAT(step.extension.failed.front().second.to_string(), HasSubstr("still waits for parts"));
}

TEST_F(GrowthTest, FilesThatCameWithTheCheckpointAreSources) {
  write("in", "", 10);
  functions_["sum"] = {{"parts"}, {"part/1", "part/2"}};
  plan(split_and_sum(), {"sum"});
  write("part/1", "");
  write("part/2", "");
  const GrowthStep step = run("parts");
  EXPECT_THAT(step.extension.failed, IsEmpty());
  EXPECT_THAT(flow_->inputs(flow_->job("sum")), ElementsAre("part/1", "part/2"));
}

TEST_F(GrowthTest, ManyJobsGrowByAsManyInOneStep) {
  constexpr int kJobs = 10'000;
  write("in", "", 10);
  Workflow::Rules rules = split_and_sum();
  rules.push_back(rule("before").output("{i}.before").input("in"));
  auto& all = rules.emplace_back(rule("all").aggregates().input("sum"));
  for (int i = 0; i < kJobs; ++i) {
    Entry entry;
    entry.items.push_back({std::to_string(i) + ".before"});
    all.input.push_back(entry);
    functions_["sum"].returns.push_back(std::to_string(i) + ".done");
  }
  functions_["sum"].waits_for = {"parts"};
  plan(std::move(rules), {"all"});
  const GrowthStep step = run("parts");
  EXPECT_EQ(step.due.size(), static_cast<std::size_t>(kJobs));
  EXPECT_EQ(step.extension.added.size(), static_cast<std::size_t>(kJobs));
  EXPECT_EQ(asked_["sum"], 2);
}

// Each step looks at what it adds, not at the whole: the answers, added jobs and batches say so.
TEST_F(GrowthTest, ManyCheckpointsGrowInSmallSteps) {
  constexpr int kCheckpoints = 1'000, kEach = 10;
  Workflow::Rules rules{rule("split").checkpoint().output("{s}.parts"),
                        rule("sum").output("{s}.sum").input_function(),
                        rule("work").output("{s}-{i}.done").input("{s}.parts")};
  auto& all = rules.emplace_back(rule("all").aggregates());
  for (int s = 0; s < kCheckpoints; ++s) {
    const std::string name = std::to_string(s);
    Entry entry;
    entry.items.push_back({name + ".sum"});
    all.input.push_back(entry);
    Function& function = functions_["sum " + name];
    function.waits_for = {name + ".parts"};
    for (int i = 0; i < kEach; ++i) function.returns.push_back(name + "-" + std::to_string(i) + ".done");
  }
  plan(std::move(rules), {"all"});
  flow_->evaluator.input_batches.clear();
  for (int s = 0; s < kCheckpoints; ++s) {
    const GrowthStep step = run(std::to_string(s) + ".parts");
    ASSERT_EQ(step.due.size(), static_cast<std::size_t>(kEach));
    ASSERT_EQ(step.extension.added.size(), static_cast<std::size_t>(kEach));
    ASSERT_EQ(step.extension.answered.size(), 1u);
  }
  EXPECT_THAT(flow_->evaluator.input_batches, testing::Each(1u));
  EXPECT_TRUE(growth_->is_complete());
}

}  // namespace
}  // namespace furrow::workflow
