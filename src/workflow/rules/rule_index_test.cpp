#include "workflow/rules/rule_index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::Workflow;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What could make NAME: rules with their wildcards.
std::vector<std::string> find(const RuleSet& rules, const RuleIndex& index, std::string_view name) {
  std::vector<Candidate> candidates;
  index.find(name, candidates);
  std::vector<std::string> shown;
  for (const Candidate& candidate : candidates) {
    const std::string wildcards = show_wildcards(rules[candidate.rule], candidate.values);
    shown.push_back(rules[candidate.rule].rule.name + (wildcards.empty() ? "" : "(" + wildcards + ")"));
  }
  return shown;
}
std::vector<std::string> find(const Workflow::Rules& rules, std::string_view name) {
  const Workflow flow(rules);
  return find(flow.rules, RuleIndex(flow.rules), name);
}

TEST(RuleIndex, FindsLiteralNamesAndPatterns) {
  const Workflow::Rules rules{rule("wild").output("out/{x}.txt"), rule("plain").output("out/a.txt"),
                              rule("other").output("out/b.txt")};
  EXPECT_THAT(find(rules, "out/a.txt"), ElementsAre("wild(x=a)", "plain"));
  EXPECT_THAT(find(rules, "out/c.txt"), ElementsAre("wild(x=c)"));
  EXPECT_THAT(find(rules, "out/c.tsv"), IsEmpty());
  EXPECT_THAT(find(rules, ""), IsEmpty());
}

TEST(RuleIndex, FindsPatternsThatBeginWithAWildcard) {
  EXPECT_THAT(find({rule("any").output("{x}.txt"), rule("long").output("a/very/long/prefix/{x}")}, "b.txt"),
              ElementsAre("any(x=b)"));
}

TEST(RuleIndex, FindsRulesByLogsAndBenchmarks) {
  const Workflow::Rules rules{rule("a").output("{x}.out").log("logs/{x}.log").benchmark("times/{x}.tsv")};
  EXPECT_THAT(find(rules, "logs/1.log"), ElementsAre("a(x=1)"));
  EXPECT_THAT(find(rules, "times/1.tsv"), ElementsAre("a(x=1)"));
}

TEST(RuleIndex, CandidatesComeInOrderOfDefinition) {
  EXPECT_THAT(find({rule("c").output("{x}"), rule("a").output("aa{x}"), rule("b").output("a{x}"),
                    rule("d").output("aaa")},
                   "aaa"),
              ElementsAre("c(x=aaa)", "a(x=a)", "b(x=aa)", "d"));
}

TEST(RuleIndex, ListsWildcardsInTheRulesOrder) {
  EXPECT_THAT(find({rule("a").output("{x}/{y}.txt").output("{y}-{x}.log")}, "1-2.log"),
              ElementsAre("a(x=2, y=1)"));
}

TEST(RuleIndex, ListsARuleOnceIfTwoOutputsMatch) {
  EXPECT_THAT(find({rule("a").output("{x}.txt").output("a/{x}.txt")}, "b.txt"), ElementsAre("a(x=b)"));
  EXPECT_EQ(find({rule("a").output("{x}.txt").output("a/{x}.txt")}, "a/b.txt").size(), 1u);
}

TEST(RuleIndex, TakesTheMatchWithTheShorterWildcards) {
  EXPECT_THAT(find({rule("a").output("{x}.txt").output("{x}.log.txt")}, "b.log.txt"), ElementsAre("a(x=b)"));
  EXPECT_THAT(find({rule("a").output("{x}.log.txt").output("{x}.txt")}, "b.log.txt"), ElementsAre("a(x=b)"));
  EXPECT_THAT(find({rule("a").output("{x}.txt").output("a/{x}.txt")}, "a/b.txt"), ElementsAre("a(x=b)"));
}

TEST(RuleIndex, DistinguishesAThousandRules) {
  Workflow::Rules rules;
  for (int i = 0; i < 1000; ++i)
    rules.push_back(rule("r" + std::to_string(i)).output("dir" + std::to_string(i) + "/{x}.txt"));
  const Workflow flow(rules);
  const RuleIndex index(flow.rules);
  for (int i = 0; i < 1000; i += 37) {
    const std::string number = std::to_string(i);
    EXPECT_THAT(find(flow.rules, index, "dir" + number + "/a.txt"), ElementsAre("r" + number + "(x=a)"));
  }
}

TEST(RuleIndex, SuggestsAPatternOnlyForSmallTypos) {
  const Workflow flow({rule("a").output("results/{x}.counts"), rule("b").output("plots/all.png")});
  const RuleIndex index(flow.rules);
  EXPECT_EQ(index.nearest_pattern("plot/all.png"), "plots/all.png");
  EXPECT_EQ(index.nearest_pattern("zzz"), "");
}

}  // namespace
}  // namespace furrow::workflow
