#include "workflow/dag/named_producers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::files_answer;
using support::rule;
using support::waiting_answer;
using support::Workflow;
using support::write;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr RuleId kB = 0;  // the first rule of each workflow here

class NamedProducersTest : public testing::Test {
 protected:
  static InputAnswer named_answer(const std::string& file) {
    auto answer = *files_answer({file});
    answer[0][0].items[0].made_by = kB;
    return answer;
  }
  support::TemporaryFolder folder_;
};

TEST_F(NamedProducersTest, AnInputNamesOneOfTwoAmbiguousRules) {
  Workflow flow({rule("b").output("{x}.m"), rule("c").output("{x}.m"),
                 rule("use").output("{x}.out").input_of(kB, "{x}.m")});
  ASSERT_TRUE(flow.plan({"1.out"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("b(x=1)", "use(x=1)"));
}

TEST_F(NamedProducersTest, TheNameIsMoreThanRuleorderAndMoreThanAPatternWithoutWildcards) {
  const std::vector<Rule> rules{rule("b").output("{x}.m").input("{x}.src"), rule("c").output("{x}.m"),
                                rule("d").output("1.m"), rule("source").output("{x}.src"),
                                rule("use").output("{x}.out").input_of(kB, "{x}.m")};
  Workflow flow(rules, {{"c", "b"}});
  ASSERT_TRUE(flow.plan({"1.out", "2.out"}));
  EXPECT_THAT(flow.jobs(),
              ElementsAre("source(x=1)", "b(x=1)", "use(x=1)", "source(x=2)", "b(x=2)", "use(x=2)"));
}

TEST_F(NamedProducersTest, AConstraintMakesTheNameOneForAmbiguousFilesOnly) {
  const std::vector<Rule> rules{rule("b").output("{x,[0-9]}.m"), rule("c").output("{x}.m"),
                                rule("use").output("{x}.out").input_of(kB, "{x}.m")};
  Workflow ordered(rules, {{"c", "b"}});
  ASSERT_TRUE(ordered.plan({"1.out"}));
  EXPECT_THAT(ordered.jobs(), ElementsAre("c(x=1)", "use(x=1)"));
  Workflow ambiguous(rules);
  ASSERT_TRUE(ambiguous.plan({"1.out", "a.out"}));
  EXPECT_THAT(ambiguous.jobs(), ElementsAre("b(x=1)", "use(x=1)", "c(x=a)", "use(x=a)"));
}

TEST_F(NamedProducersTest, SoDoesAFunctionThatReturnsIt) {
  const std::vector<Rule> rules{rule("b").output("{x}.m"), rule("c").output("{x}.m"),
                                rule("use").output("out").input_function()};
  Workflow ordered(rules, {{"c", "b"}});
  ordered.evaluator.answer_inputs = [](const auto&) { return named_answer("1.m"); };
  ASSERT_TRUE(ordered.plan({"out"}));
  EXPECT_THAT(ordered.jobs(), ElementsAre("c(x=1)", "use"));
  Workflow ambiguous(rules);
  ambiguous.evaluator.answer_inputs = [](const auto&) { return named_answer("1.m"); };
  ASSERT_TRUE(ambiguous.plan({"out"}));
  EXPECT_THAT(ambiguous.jobs(), ElementsAre("b(x=1)", "use"));
}

TEST_F(NamedProducersTest, ANamedRuleThatCannotRunIsReplacedByNoOther) {
  const std::vector<Rule> rules{rule("b").output("{x}.m").input("{x}.gone"), rule("c").output("{x}.m"),
                                rule("use").output("{x}.out").input_of(kB, "{x}.m").input_of(kB, "{x}.m")};
  EXPECT_THAT(Workflow(rules).mistake({"1.out"}),
              HasSubstr("missing input files for rule b (x=1):\n    1.gone"));
  write("1.m");
  Workflow flow(rules);
  ASSERT_TRUE(flow.plan({"1.out"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("use(x=1)"));
}

TEST_F(NamedProducersTest, AJobWhoseNamedProducerCannotRunLeavesItsOwnFileToOthers) {
  Workflow flow({rule("b").output("{x}.m").input("{x}.gone"), rule("c").output("{x}.m"),
                 rule("use").output("{x}.out").input_of(kB, "{x}.m"), rule("other").output("{x}.out")});
  ASSERT_TRUE(flow.plan({"1.out"}));
  EXPECT_THAT(flow.jobs(), ElementsAre("other(x=1)"));
}

TEST_F(NamedProducersTest, JobsThatTakeOneFileFromTwoRulesAreRefused) {
  const std::vector<Rule> rules{rule("b").output("{x}.m"), rule("c").output("{x}.m"),
                                rule("use").output("{x}.out").input_of(kB, "{x}.m"),
                                rule("read").output("{x}.read").input("{x}.m"),
                                rule("other").output("{x}.other").input_of(1, "{x}.m")};
  EXPECT_THAT(Workflow(rules, {{"c", "b"}}).mistake({"1.out", "1.read"}),
              AllOf(HasSubstr("two jobs would make 1.m"),
                    HasSubstr("rule use takes it from rule b, which its input names"),
                    HasSubstr("rule read takes it from rule c")));
  EXPECT_THAT(Workflow(rules).mistake({"1.other", "1.out"}), HasSubstr("two jobs would make 1.m"));
  Workflow ambiguous(rules);
  ASSERT_TRUE(ambiguous.plan({"1.out", "1.read", "1.m"}));
  EXPECT_THAT(ambiguous.jobs(), ElementsAre("b(x=1)", "use(x=1)", "read(x=1)"));
}

TEST_F(NamedProducersTest, BehindACheckpointNamesCountToo) {
  Workflow flow(
      {rule("b").output("{x}.m"), rule("c").output("{x}.m"), rule("split").output("parts").checkpoint(),
       rule("use").output("{x}.out").input_of(kB, "{x}.m").input_of(kB, "{x}.m"),
       rule("sum").output("sum").input_function()},
      {{"c", "b"}});
  bool is_split = false;
  flow.evaluator.answer_inputs = [&](const auto&) {
    return is_split ? files_answer({"1.out"}) : waiting_answer("parts");
  };
  DagBuilder builder(flow.dag, flow.rules, flow.evaluator, flow.states);
  ASSERT_TRUE(builder.build({{"sum"}, false}));
  is_split = true;
  const FileId parts = flow.file("parts");
  const auto extension = builder.extend({&parts, 1});
  ASSERT_TRUE(extension) << extension.error().to_string();
  EXPECT_TRUE(extension->failed.empty());
  EXPECT_THAT(flow.name_of(flow.job("1.m")), "b(x=1)");
}

}  // namespace
}  // namespace furrow::workflow
