#include "workflow/dag/identity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::Workflow;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Identity, CodeHashDependsOnTheKindOfRule) {
  Rule shell = rule("a").output("a").code("x");
  Rule run = shell;
  run.kind = RuleKind::kRun;
  Workflow one({shell}), other({run});
  EXPECT_NE(CodeHashes().of(one.rules[0]), CodeHashes().of(other.rules[0]));
}

TEST(Identity, AnUnreadableScriptHasACodeHashToo) {
  Rule made = rule("a").output("a");
  made.script = "/nowhere/plot.py";
  Workflow flow({made});
  EXPECT_NE(CodeHashes().of(flow.rules[0]), 0u);
}

TEST(Identity, KeyIsTheFirstOutputOrTheRuleAndWildcards) {
  Workflow flow({rule("a").output("{x}.1").output("{x}.2"), rule("clean")});
  ASSERT_TRUE(flow.plan({"q.2", "clean"}));
  EXPECT_EQ(record_key(flow.dag, flow.rules, flow.job("q.2")), "q.1");
  EXPECT_EQ(record_key(flow.dag, flow.rules, flow.dag.targets().front()), "rule:clean:");
}

TEST(Identity, AFunctionSeesItsWholeJob) {
  support::TemporaryFolder folder;
  support::write("q.in");
  Workflow flow({rule("a")
                     .output("{x}.out")
                     .input("{x}.in")
                     .log("{x}.log")
                     .benchmark("{x}.tsv")
                     .threads(std::int64_t{3})
                     .resource("mem_mb", std::int64_t{5})
                     .resource("late", FunctionValue{1})});
  ASSERT_TRUE(flow.plan({"q.out"}));
  const JobView view = view_of(flow.dag, flow.rules, flow.job("q.out"));
  EXPECT_THAT(view.wildcards, ElementsAre(Pair("x", "q")));
  EXPECT_THAT(view.input, ElementsAre("q.in"));
  EXPECT_THAT(view.output, ElementsAre("q.out"));
  EXPECT_THAT(view.log, ElementsAre("q.log"));
  EXPECT_EQ(view.benchmark, "q.tsv");
  EXPECT_EQ(view.threads, 3);
  ASSERT_EQ(view.resources.size(), 1u);
  EXPECT_EQ(view.resources[0].first, "mem_mb");
  EXPECT_THAT(view.input_shape, IsEmpty());
}

}  // namespace
}  // namespace furrow::workflow
