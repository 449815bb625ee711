#include "workflow/dag/dag_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"
#include "workflow/dag/refusal.hpp"

namespace furrow::workflow {
namespace {

using support::files_answer;
using support::rule;
using support::Workflow;
using support::write;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class DagBuilderTest : public testing::Test {
 protected:
  support::TemporaryFolder folder_;
};

TEST_F(DagBuilderTest, AChainIsOrderedFromItsSource) {
  write("a.txt");
  Workflow flow({rule("last").output("{x}.c").input("{x}.b"), rule("middle").output("{x}.b").input("{x}.a"),
                 rule("first").output("{x}.a").input("{x}.txt")});
  ASSERT_TRUE(flow.plan({"a.c"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("first(x=a)", "middle(x=a)", "last(x=a)"));
  EXPECT_EQ(flow.dag.targets(), std::vector<NodeId>{flow.job("a.c")});
  EXPECT_EQ(flow.job("a.txt"), kNoNode);
}

TEST_F(DagBuilderTest, WildcardsGoToTheNextRuleByName) {
  Workflow flow({rule("all").aggregates().input("t.a.r1"), rule("last").output("t.{s}.{r}").input("f.{s}{r}"),
                 rule("first").output("f.{s}{r}")});
  ASSERT_TRUE(flow.plan({"all"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("first(s=a, r=r1)", "last(s=a, r=r1)", "all"));
  Workflow constrained({rule("all").aggregates().input("t.a.r1"),
                        rule("last").output("t.{s}.{r}").input("f.{s}{r}"),
                        rule("first").output("f.{s}{r,.}")});
  ASSERT_TRUE(constrained.plan({"all"}));
  EXPECT_THAT(constrained.jobs(), ElementsAre("first(s=ar, r=1)", "last(s=a, r=r1)", "all"));
}

TEST_F(DagBuilderTest, RemoteFilesCountAsThereAndTheirJobsAreRefused) {
  Workflow flow(
      {rule("use").output("{x}.o").input("s3://{x}", kRemote), rule("fetch").output("s3://b", kRemote)});
  ASSERT_TRUE(flow.plan({"a.o", "b.o"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("use(x=a)", "fetch", "use(x=b)"));
  EXPECT_EQ(refusal_of(flow.dag, flow.rules, flow.job("a.o")), "remote files are not supported yet");
  EXPECT_THAT(
      show_refusals(flow.dag, flow.rules, [](NodeId) { return true; }),
      AllOf(HasSubstr("3 jobs cannot be run"), HasSubstr("rule use: remote"), HasSubstr("rule fetch: ")));
}

TEST_F(DagBuilderTest, AnOutputWithinAFolderThatIsMadeAsAWholeIsRefused) {
  const std::vector<Rule> rules{rule("all").aggregates().input("d").input("d/x/y"),
                                rule("whole").output("d", kDirectory), rule("part").output("d/x/y")};
  EXPECT_THAT(Workflow(rules).mistake({"all"}),
              AllOf(HasSubstr("the output d/x/y of rule part"), HasSubstr("rule whole")));
  EXPECT_TRUE(Workflow(rules).plan({"d"}));
}

TEST_F(DagBuilderTest, HintsForMissingFiles) {
  write("a.txt");
  const std::vector<Rule> rules{rule("joined").output("1").input("a.txtb.txt"), rule("b").output("b.txt"),
                                rule("within").output("2").input("d/s/f"),
                                rule("folder").output("d/{s,[^/]+}", kDirectory)};
  EXPECT_THAT(Workflow(rules).mistake({"1"}), HasSubstr("like \"a.txt\" and \"b.txt\" in one"));
  EXPECT_THAT(Workflow(rules).mistake({"2"}), HasSubstr("Rule folder makes the folder d/s as a whole"));
}

TEST_F(DagBuilderTest, SharedInputIsMadeOnce) {
  Workflow flow({rule("all").aggregates().input("left").input("right"),
                 rule("left").output("left").input("top"), rule("right").output("right").input("top"),
                 rule("top").output("top")});
  ASSERT_TRUE(flow.plan({"all"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("top", "left", "right", "all"));
}

TEST_F(DagBuilderTest, SeveralOutputsComeFromOneJob) {
  Workflow flow(
      {rule("all").aggregates().input("1.x").input("1.y"), rule("pair").output("{n}.x").output("{n}.y")});
  ASSERT_TRUE(flow.plan({"all"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("pair(n=1)", "all"));
  EXPECT_EQ(flow.job("1.x"), flow.job("1.y"));
}

TEST_F(DagBuilderTest, AnOutputAndALogComeFromOneJob) {
  for (const auto& targets :
       std::vector<std::vector<std::string>>{{"a.out", "a.log", "a.tsv"}, {"a.tsv", "a.log", "a.out"}}) {
    Workflow flow({rule("make").output("{x}.out").log("{x}.log").benchmark("{x}.tsv")});
    const auto planned = flow.plan(targets);
    ASSERT_TRUE(planned) << planned.error().to_string();
    EXPECT_THAT(flow.jobs(), ElementsAre("make(x=a)"));
  }
}

TEST_F(DagBuilderTest, TwoLogsComeFromOneJobWithoutOutputs) {
  Workflow flow({rule("make").log("{x}.log").log("{x}.err")});
  const auto planned = flow.plan({"a.log", "a.err"});
  ASSERT_TRUE(planned) << planned.error().to_string();
  EXPECT_THAT(flow.jobs(), ElementsAre("make(x=a)"));
}

TEST_F(DagBuilderTest, ALogCanBeAnInput) {
  Workflow flow({rule("check").output("ok").input("a.log"), rule("make").output("{x}.out").log("{x}.log")});
  ASSERT_TRUE(flow.plan({"ok"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("make(x=a)", "check"));
}

TEST_F(DagBuilderTest, ATargetNamedTwiceRunsOnce) {
  Workflow flow({rule("all").input("a"), rule("a").output("a")});
  ASSERT_TRUE(flow.plan({"all", "a", "all", "a", "./a"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("a", "all"));
  EXPECT_EQ(flow.dag.targets().size(), 2u);
}

TEST_F(DagBuilderTest, NormalizesFileTargets) {
  Workflow flow({rule("a").output("out/{x}")});
  ASSERT_TRUE(flow.plan({".//out/./1"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("a(x=1)"));
}

TEST_F(DagBuilderTest, ARuleWithWildcardsCannotBeATarget) {
  Workflow flow({rule("a").output("{x}")});
  EXPECT_THAT(flow.mistake({"a"}), HasSubstr("rule a has wildcards and cannot be a target"));
}

TEST_F(DagBuilderTest, ReportsAMistakeInARuleThatIsATarget) {
  Workflow flow({rule("a").output("a").input("{x}")});
  EXPECT_THAT(flow.mistake({"a"}), HasSubstr("cannot be determined"));
}

TEST_F(DagBuilderTest, BuildsAChainOfAHundredThousandJobs) {
  constexpr int kLength = 100'000;
  Workflow::Rules chain;
  chain.reserve(kLength);
  for (int i = 0; i < kLength; ++i) {
    auto step = rule("step" + std::to_string(i)).output(std::to_string(i));
    if (i > 0) step.input(std::to_string(i - 1));
    chain.push_back(step);
  }
  Workflow flow(std::move(chain));
  ASSERT_TRUE(flow.plan({std::to_string(kLength - 1)}));
  EXPECT_EQ(flow.dag.order().size(), static_cast<std::size_t>(kLength));
  EXPECT_EQ(flow.name_of(flow.dag.order().front()), "step0");
}

// ---- functions

TEST_F(DagBuilderTest, AsksAboutAllWaitingInputFunctionsInOneMessage) {
  Workflow::Rules rules{rule("make").output("{n}.out").input_function(),
                        rule("source").output("{n}.in").input_function()};
  auto all = rule("all").aggregates();
  for (int i = 0; i < 1000; ++i) all.input(std::to_string(i) + ".out");
  rules.push_back(all);
  Workflow flow(std::move(rules));
  flow.evaluator.answer_inputs = [](const InputQuestion& question) {
    return question.rule == 0 ? files_answer({question.wildcards.at(0).second + ".in"}) : files_answer({});
  };
  ASSERT_TRUE(flow.plan({"all"}));
  EXPECT_THAT(flow.evaluator.input_batches, ElementsAre(1000u, 1000u));
  EXPECT_EQ(flow.jobs().size(), 2001u);
}

TEST_F(DagBuilderTest, KeepsAnswersInOrderAmongTheOtherInputs) {
  for (const char* name : {"before", "x", "y", "after", "{b}"}) write(name);
  Workflow flow(
      {rule("make").output("{n}.out").input("before").input_function().input("after").input_function()});
  flow.evaluator.answer_inputs = [](const InputQuestion&) {
    auto answer = *files_answer({"x", "y"});
    Entry named;
    named.name = "more";
    named.items.push_back({"{b}", kLiteral | kAncient});
    answer.push_back({named});
    return answer;
  };
  const auto planned = flow.plan({"1.out"});
  ASSERT_TRUE(planned) << planned.error().to_string();
  const NodeId job = flow.job("1.out");
  EXPECT_THAT(flow.inputs(job), ElementsAre("before", "x", "y", "after", "{b}"));
  EXPECT_EQ(flow.dag.input_flags(job)[4] & kAncient, kAncient);
  const auto* shape = flow.dag.shape(job);
  ASSERT_NE(shape, nullptr);
  ASSERT_EQ(shape->size(), 4u);
  EXPECT_EQ((*shape)[1].first, 1u);
  EXPECT_EQ((*shape)[1].end, 3u);
  EXPECT_TRUE((*shape)[1].is_list);
  EXPECT_EQ((*shape)[3].name, "more");
  EXPECT_EQ((*shape)[3].first, 4u);
}

TEST_F(DagBuilderTest, ReportsAFailedInputFunctionWithItsRulesLine) {
  Workflow flow({rule("make").output("{n}.out").input_function()});
  flow.evaluator.answer_inputs = [](const InputQuestion&) { return fail("KeyError: 'a'"); };
  EXPECT_THAT(flow.mistake({"1.out"}), AllOf(HasSubstr("Snakefile:"), HasSubstr("KeyError: 'a'")));
}

TEST_F(DagBuilderTest, IgnoresAFailedFunctionIfAnotherRuleMakesTheFile) {
  Workflow flow(
      {rule("broken").output("{n}.out").input_function(), rule("works").output("{n}.out").input("{n}.in")});
  write("1.in");
  flow.evaluator.answer_inputs = [](const InputQuestion&) { return fail("KeyError: 'a'"); };
  const auto planned = flow.plan({"1.out"});
  ASSERT_TRUE(planned) << planned.error().to_string();
  EXPECT_THAT(flow.jobs(), ElementsAre("works(n=1)"));
}

TEST_F(DagBuilderTest, IgnoresAFailedFunctionIfTheFileExists) {
  Workflow flow(
      {rule("use").output("used").input("1.out"), rule("broken").output("{n}.out").input_function()});
  write("1.out");
  flow.evaluator.answer_inputs = [](const InputQuestion&) { return fail("KeyError: 'a'"); };
  const auto planned = flow.plan({"used"});
  ASSERT_TRUE(planned) << planned.error().to_string();
  EXPECT_THAT(flow.jobs(), ElementsAre("use"));
}

// ---- missing inputs

TEST_F(DagBuilderTest, MissingInputErrorNamesRuleWildcardsAndNearestOutput) {
  Workflow flow(
      {rule("count").output("{x}.counts").input("texts/{x}.txt"), rule("get").output("text/a.txt")});
  EXPECT_THAT(flow.mistake({"a.counts"}),
              AllOf(HasSubstr("missing input files for rule count (x=a):\n    texts/a.txt"),
                    HasSubstr("the nearest output is \"text/a.txt\"")));
}

TEST_F(DagBuilderTest, MissingInputErrorNamesOnlyMissingFiles) {
  write("there");
  Workflow flow(
      {rule("count").output("out").input("there").input("made").input("gone"), rule("make").output("made")});
  EXPECT_THAT(flow.mistake({"out"}),
              AllOf(HasSubstr("    gone"), Not(HasSubstr("there\n")), Not(HasSubstr("    made"))));
}

TEST_F(DagBuilderTest, MissingInputErrorIsAboutTheDeepestRule) {
  Workflow flow({rule("c").output("c").input("b"), rule("b").output("b").input("a"),
                 rule("a").output("a").input("source")});
  EXPECT_THAT(flow.mistake({"c"}), HasSubstr("missing input files for rule a:\n    source"));
}

TEST_F(DagBuilderTest, ExplainsATargetThatNoRuleMakes) {
  Workflow flow({rule("align").output("results/{x}.bam"), rule("plot").output("plots/all.png")});
  EXPECT_THAT(flow.mistake({"algn"}),
              AllOf(HasSubstr("no rule makes algn"), HasSubstr("Did you mean the rule align?")));
  Workflow other({rule("plot").output("plots/all.png")});
  EXPECT_THAT(other.mistake({"plots/al.png"}), HasSubstr("The nearest output is \"plots/all.png\""));
  Workflow none({rule("plot").output("plots/all.png")});
  EXPECT_THAT(none.mistake({"zzzzzzzzzzzzzz"}), HasSubstr("see --list"));
}

TEST_F(DagBuilderTest, UsesAnExistingFileIfItsRuleCannotRun) {
  write("b");
  Workflow flow({rule("c").output("c").input("b"), rule("b").output("b").input("gone")});
  const auto planned = flow.plan({"c"});
  ASSERT_TRUE(planned) << planned.error().to_string();
  EXPECT_THAT(flow.jobs(), ElementsAre("c"));
  EXPECT_EQ(flow.job("b"), kNoNode);
}

TEST_F(DagBuilderTest, ADanglingLinkIsAMissingInput) {
  ASSERT_EQ(::symlink("nowhere", "a"), 0);
  Workflow flow({rule("b").output("b").input("a")});
  EXPECT_THAT(flow.mistake({"b"}), HasSubstr("missing input files for rule b:\n    a"));
}

// ---- choosing a rule

TEST_F(DagBuilderTest, TwoRulesThatCanMakeAFileAreAmbiguous) {
  Workflow flow({rule("one").output("{x}.txt"), rule("two").output("a.{y}")});
  EXPECT_THAT(flow.mistake({"a.txt"}),
              AllOf(HasSubstr("rules one and two are ambiguous for the file a.txt"),
                    HasSubstr("one with x=a; two with y=txt"), HasSubstr("ruleorder: one > two")));
}

TEST_F(DagBuilderTest, AllowedAmbiguityTakesTheFirstRule) {
  Workflow flow({rule("one").output("{x}.txt"), rule("two").output("a.{y}")});
  ASSERT_TRUE(flow.plan({"a.txt"}, true));
  EXPECT_THAT(flow.jobs(), ElementsAre("one(x=a)"));
}

TEST_F(DagBuilderTest, RuleorderResolvesAmbiguity) {
  Workflow flow({rule("one").output("{x}.txt"), rule("two").output("a.{y}")}, {{"two", "one"}});
  ASSERT_TRUE(flow.plan({"a.txt"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("two(y=txt)"));
}

TEST_F(DagBuilderTest, PrefersARuleWithoutWildcards) {
  Workflow flow({rule("wild").output("{x}.txt"), rule("plain").output("a.txt")});
  ASSERT_TRUE(flow.plan({"a.txt"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("plain"));
}

TEST_F(DagBuilderTest, IgnoresARuleWithMissingInputWhenRulesCompete) {
  write("b.in");
  Workflow flow(
      {rule("one").output("{x}.txt").input("{x}.gone"), rule("two").output("{x}.txt").input("{x}.in")});
  ASSERT_TRUE(flow.plan({"b.txt"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("two(x=b)"));
}

TEST_F(DagBuilderTest, TriesALowerRankedRuleIfTheBestCannotRun) {
  write("b.in");
  Workflow flow(
      {rule("best").output("{x}.txt").input("{x}.gone"),
       rule("next").output("{x}.txt").input("{x}.also_gone"), rule("last").output("{x}.txt").input("{x}.in")},
      {{"best", "next", "last"}});
  const auto planned = flow.plan({"b.txt"});
  ASSERT_TRUE(planned) << planned.error().to_string();
  EXPECT_THAT(flow.jobs(), ElementsAre("last(x=b)"));
}

TEST_F(DagBuilderTest, IfNoRuleCanRunTheErrorIsAboutTheBest) {
  Workflow flow(
      {rule("best").output("{x}.txt").input("{x}.gone"), rule("last").output("{x}.txt").input("{x}.missing")},
      {{"best", "last"}});
  EXPECT_THAT(flow.mistake({"b.txt"}), HasSubstr("missing input files for rule best (x=b):\n    b.gone"));
}

TEST_F(DagBuilderTest, PrefersAFeasibleRuleToAnExistingFile) {
  write("b.txt");
  Workflow flow({rule("best").output("{x}.txt").input("{x}.gone"), rule("last").output("{x}.txt")},
                {{"best", "last"}});
  ASSERT_TRUE(flow.plan({"b.txt"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("last(x=b)"));
}

TEST_F(DagBuilderTest, OrderHoldsNoJobsOfRejectedRules) {
  write("x");
  Workflow flow({rule("all").aggregates().input("a.txt"), rule("one").output("{x}.txt").input("only_for_one"),
                 rule("two").output("a.txt").input("x"), rule("help").output("only_for_one")});
  ASSERT_TRUE(flow.plan({"all"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("two", "all"));
}

TEST_F(DagBuilderTest, TwoJobsThatMakeAFileWhichNobodyNeedsAreRefused) {
  const std::vector<Rule> rules{rule("all").aggregates().input("a/1").input("b/1"),
                                rule("one").output("a/{x}").output("c/{x}", kTemp),
                                rule("two").output("b/{y}").output("c/{y}", kTemp)};
  const std::string second = rules[2].file + ":" + std::to_string(rules[2].line);
  EXPECT_THAT(
      Workflow(rules).mistake({"all"}),
      AllOf(HasSubstr("rules one and two are ambiguous for the file c/1: two jobs of this run make it"),
            HasSubstr("one with x=1"), HasSubstr("two with y=1, " + second), HasSubstr("--allow-ambiguity")));
  EXPECT_THAT(Workflow(rules, {{"one", "two"}}).mistake({"all"}), HasSubstr("two jobs of this run make it"));
  EXPECT_TRUE(Workflow(rules).plan({"all"}, true));
  EXPECT_TRUE(Workflow(rules).plan({"a/1"}));
}

TEST_F(DagBuilderTest, TwoJobsOfOneRuleThatMakeAFileAreRefused) {
  Workflow flow({rule("cut").output("{a}_{b}").output("all/{a}{b}")});
  EXPECT_THAT(flow.mistake({"1_23", "12_3"}),
              AllOf(HasSubstr("rule cut is ambiguous for the file all/123"), HasSubstr("a=12, b=3")));
}

TEST_F(DagBuilderTest, AFileThatNobodyNeedsComesFromAChosenJob) {
  Workflow flow(
      {rule("one").output("a").output("c", kTemp).input("gone"), rule("two").output("a").output("c")});
  ASSERT_TRUE(flow.plan({"a"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("two"));
  EXPECT_EQ(flow.name_of(flow.job("c")), "two");
  EXPECT_EQ(flow.dag.output_flags(flow.file("c"), flow.rules), 0);
}

// ---- cycles

TEST_F(DagBuilderTest, ACycleIsAnErrorThatNamesOneOfItsFiles) {
  Workflow flow(
      {rule("a").output("a").input("b"), rule("b").output("b").input("c"), rule("c").output("c").input("a")});
  EXPECT_THAT(flow.mistake({"a"}), AllOf(HasSubstr("a cycle through the file"),
                                         HasSubstr("which needs b of rule b, which needs c of rule c)"),
                                         HasSubstr("must read another file")));
}

TEST_F(DagBuilderTest, AMissingFileBeforeItsUpdateHasItsOwnName) {
  EXPECT_THAT(
      Workflow(
          {rule("add").output("a", kUpdate).input("b"), rule("read").output("b").input("a", kBeforeUpdate)})
          .mistake({"a"}),
      AllOf(HasSubstr("\n    a, as it is before its update\n"), HasSubstr("before a rule can update it")));
}

TEST_F(DagBuilderTest, OpensACycleAtAnExistingFile) {
  write("c");
  Workflow flow(
      {rule("a").output("a").input("b"), rule("b").output("b").input("c"), rule("c").output("c").input("a")});
  const auto planned = flow.plan({"a"});
  ASSERT_TRUE(planned) << planned.error().to_string();
  EXPECT_THAT(flow.jobs(), ElementsAre("b", "a"));
  EXPECT_EQ(flow.job("c"), kNoNode);
}

TEST_F(DagBuilderTest, AnOpenedCycleLeavesNoUnneededJob) {
  write("c");
  Workflow flow({rule("a").output("a").input("b"), rule("b").output("b").input("c"),
                 rule("c").output("c").input("extra").input("a"), rule("extra").output("extra")});
  const auto planned = flow.plan({"a"});
  ASSERT_TRUE(planned) << planned.error().to_string();
  EXPECT_THAT(flow.jobs(), ElementsAre("b", "a"));
}

TEST_F(DagBuilderTest, ARuleThatNeedsItsOwnOutputIsACycle) {
  Workflow flow({rule("a").output("{x}.txt").input("{x}.txt")});
  EXPECT_THAT(flow.mistake({"a.txt"}), HasSubstr("cycle through the file a.txt"));
}

TEST_F(DagBuilderTest, UsesAFileAsItIsIfOnlyItsOwnRuleNeedsIt) {
  write("a.txt");
  Workflow flow({rule("use").output("used").input("a.txt"), rule("a").output("{x}.txt").input("{x}.txt")});
  const auto planned = flow.plan({"used"});
  ASSERT_TRUE(planned) << planned.error().to_string();
  EXPECT_THAT(flow.jobs(), ElementsAre("use"));
}

TEST_F(DagBuilderTest, ARuleThatMatchesItsOwnInputEndsWithAnError) {
  Workflow behind({rule("a").output("{x}").input("{x}.in")});
  EXPECT_THAT(behind.mistake({"out"}), HasSubstr("rule a would be needed forever"));
  Workflow before({rule("a").output("{x}").input("in/{x}")});
  EXPECT_THAT(before.mistake({"out"}), HasSubstr("rule a would be needed forever"));
  Workflow within({rule("a").output("a{x}b").input("acc{x}ddb")});
  EXPECT_THAT(within.mistake({"a1b"}), HasSubstr("rule a would be needed forever"));
}

TEST_F(DagBuilderTest, ARuleThatMatchesItsOwnInputStopsAtAnExistingFile) {
  write("out.in.in.in");
  Workflow flow({rule("a").output("{x}").input("{x}.in")});
  const auto planned = flow.plan({"out"});
  ASSERT_TRUE(planned) << planned.error().to_string();
  EXPECT_THAT(flow.jobs(), ElementsAre("a(x=out.in.in)", "a(x=out.in)", "a(x=out)"));
}

}  // namespace
}  // namespace furrow::workflow
