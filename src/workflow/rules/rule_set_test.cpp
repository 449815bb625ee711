#include "workflow/rules/rule_set.hpp"

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

std::string mistake(std::vector<Rule> rules, std::vector<std::vector<std::string>> order = {}) {
  StringTable files;
  const auto set = RuleSet::compile(std::move(rules), std::move(order), files);
  return set ? "compiled" : set.error().to_string();
}

TEST(RuleSet, WildcardsAreThoseOfTheFirstOutput) {
  Workflow flow({rule("a").output("{x}/{y}.txt").output("{y}-{x}.log").log("{y}.{x}")});
  const CompiledRule& compiled = flow.rules[0];
  EXPECT_THAT(compiled.wildcards, ElementsAre("x", "y"));
  const std::string_view values[] = {"1", "2"};
  EXPECT_EQ(compiled.outputs[0].filled(values), "1/2.txt");
  EXPECT_EQ(compiled.outputs[1].filled(values), "2-1.log");
  EXPECT_EQ(compiled.logs[0].filled(values), "2.1");
}

TEST(RuleSet, InputsTakeTheirWildcardsFromTheRule) {
  Workflow flow({rule("a").output("{x}/{y}.txt").input("{y}/{x}/{y}").input("plain")});
  const CompiledRule& compiled = flow.rules[0];
  const std::string_view values[] = {"1", "2"};
  ASSERT_EQ(compiled.input_items.size(), 2u);
  EXPECT_EQ(compiled.input_templates[compiled.input_items[0].index].filled(values), "2/1/2");
  EXPECT_TRUE(compiled.input_items[1].is_file);
  EXPECT_EQ(flow.dag.files.view(compiled.input_items[1].index), "plain");
}

TEST(RuleSet, AFileNameMayHaveMoreWildcardsThanTheStackBuffer) {
  std::string pattern, expected;
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) {
    pattern += "{w" + std::to_string(i) + "}-";
    texts.push_back(std::to_string(i));
    expected += texts.back() + "-";
  }
  Workflow flow({rule("a").output(pattern)});
  const std::vector<std::string_view> values(texts.begin(), texts.end());
  EXPECT_EQ(flow.rules[0].outputs[0].filled(values), expected);
}

TEST(RuleSet, AllFilesOfARuleHaveTheSameWildcards) {
  EXPECT_THAT(
      mistake({rule("a").output("{x}.txt").output("{y}.txt")}),
      AllOf(HasSubstr("Snakefile:"), HasSubstr("rule a contain the same wildcards: \"{y}.txt\" differs")));
  EXPECT_THAT(mistake({rule("a").output("{x}.txt").log("a.log")}), HasSubstr("\"a.log\" differs"));
  EXPECT_THAT(mistake({rule("a").output("a.txt").benchmark("{x}.tsv")}), HasSubstr("\"{x}.tsv\" differs"));
  EXPECT_EQ(mistake({rule("a").output("{x}.{y}").output("{y}.{x}.txt")}), "compiled");
}

TEST(RuleSet, AnOutputNamedTwiceIsAMistake) {
  EXPECT_THAT(mistake({rule("a").output("a").output("a")}), HasSubstr("rule a names the output \"a\" twice"));
  EXPECT_EQ(mistake({rule("a").output("{x}").log("{x}").log("{x}")}), "compiled") << "a log may be";
}

TEST(RuleSet, ReportsAnInputOnlyWildcardWhenTheRuleIsNeeded) {
  Workflow flow({rule("a").output("a.txt").input("{x}.txt"), rule("b").output("b.txt")});
  EXPECT_TRUE(flow.plan({"b.txt"}));
  ASSERT_TRUE(flow.rules[0].mistake);
  EXPECT_THAT(flow.rules[0].mistake->message,
              HasSubstr("cannot be determined from its output files: x in \"{x}.txt\""));
}

TEST(RuleSet, AWildcardThatOnlyAParamNamesIsAMistakeOfItsRule) {
  Workflow flow(
      {rule("a").output("{sample}.txt").param("x{sampel}", true), rule("b").output("b").param("{x}")});
  ASSERT_TRUE(flow.rules[0].mistake);
  EXPECT_THAT(flow.rules[0].mistake->to_string(),
              AllOf(HasSubstr("Snakefile:"), HasSubstr("sampel"), HasSubstr("Did you mean sample?")));
  EXPECT_FALSE(flow.rules[1].mistake);  // a text in which braces mean nothing
}

TEST(RuleSet, ABadConstraintPointsAtItsRule) {
  EXPECT_THAT(mistake({rule("a").output("{x,[}")}),
              AllOf(HasSubstr("Snakefile:"), HasSubstr("bad wildcard constraint")));
}

TEST(RuleSet, KnowsWhereFunctionsAre) {
  Workflow flow({rule("inputs").input_function(), rule("params").param_function(),
                 rule("threads").threads(FunctionValue{3}),
                 rule("resources").resource("mem_mb", FunctionValue{3}),
                 rule("none").threads(std::int64_t{2})});
  EXPECT_TRUE(flow.rules.find("inputs")->has_input_functions);
  EXPECT_TRUE(flow.rules.find("params")->has_param_functions);
  EXPECT_TRUE(flow.rules.find("threads")->has_detail_functions);
  EXPECT_TRUE(flow.rules.find("resources")->has_detail_functions);
  const CompiledRule& none = *flow.rules.find("none");
  EXPECT_FALSE(none.has_input_functions || none.has_param_functions || none.has_detail_functions);
  EXPECT_EQ(flow.rules.find("missing"), nullptr);
}

class RuleOrder : public testing::Test {
 protected:
  int compare(const std::string& a, const std::string& b, std::vector<std::vector<std::string>> order) {
    Workflow flow(
        {rule("a").output("a"), rule("b").output("b"), rule("c").output("c"), rule("wild").output("{x}")},
        std::move(order));
    return flow.rules.compare(flow.rules.find(a)->id, flow.rules.find(b)->id);
  }
};

TEST_F(RuleOrder, PrefersTheRuleNamedFirst) {
  EXPECT_EQ(compare("a", "c", {{"a", "b", "c"}}), 1);
  EXPECT_EQ(compare("c", "b", {{"a", "b", "c"}}), -1);
}

TEST_F(RuleOrder, ComparesOnlyRulesOfTheSameClause) {
  EXPECT_EQ(compare("a", "c", {{"a", "b"}, {"b", "c"}}), 0);
  EXPECT_EQ(compare("a", "a", {{"a", "b"}}), 0);
}

TEST_F(RuleOrder, LaterClausesWin) {
  EXPECT_EQ(compare("a", "b", {{"a", "b"}, {"b", "a"}}), -1);
  EXPECT_EQ(compare("a", "b", {{"b", "a"}, {"a", "b"}, {"c", "b"}}), 1);
}

TEST_F(RuleOrder, WithoutAClauseARuleWithoutWildcardsIsPreferred) {
  EXPECT_EQ(compare("a", "wild", {}), 1);
  EXPECT_EQ(compare("wild", "a", {}), -1);
  EXPECT_EQ(compare("a", "b", {}), 0);
  EXPECT_EQ(compare("wild", "a", {{"wild", "a"}}), 1);
}

TEST_F(RuleOrder, AnUnknownRuleIsAMistakeThatNamesTheNearest) {
  EXPECT_THAT(mistake({rule("align"), rule("sort")}, {{"align", "sorte"}}),
              AllOf(HasSubstr("ruleorder names the rule sorte, which does not exist"),
                    HasSubstr("Did you mean sort?")));
}

TEST(ShowWildcards, ListsWildcardsInTheRulesOrder) {
  Workflow flow({rule("a").output("{lane}/{sample}"), rule("b")});
  const std::string_view values[] = {"2", "a b"};
  EXPECT_EQ(show_wildcards(flow.rules[0], values), "lane=2, sample=a b");
  EXPECT_EQ(show_wildcards(flow.rules[1], {}), "");
}

TEST(RuleSet, AnErrorKeepsItsOwnLine) {
  const Rule made = rule("a");
  EXPECT_EQ(located(Error{"m", "other.smk", 7}, made).file, "other.smk");
  EXPECT_EQ(located(Error{"m"}, made).file, "Snakefile");
  EXPECT_EQ(located(Error{"m"}, made).line, made.line);
}

}  // namespace
}  // namespace furrow::workflow
