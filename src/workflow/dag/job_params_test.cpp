#include "workflow/dag/job_params.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::Workflow;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// The params of a rule without wildcards, as functions answer them.
class JobParamsTest : public testing::Test {
 protected:
  static Param named(const std::string& name, const std::string& text) {
    return {.name = name, .text = text};
  }
  static Param failed(const std::string& name, bool misses_file = true) {
    return {.name = name,
            .failure = std::make_shared<const ParamFailure>(ParamFailure{Error{"no file"}, misses_file})};
  }
  store::JobRecord record(const std::vector<Param>& answered) const {
    store::JobRecord record;
    JobParams(flow_.rules[0], {}, answered).write_to(record);
    return record;
  }
  bool same(const store::JobRecord& before, const std::vector<Param>& now) const {
    store::JobRow row;
    row.params_hash = before.params_hash;
    row.param_hashes = {reinterpret_cast<const char*>(before.param_hashes.data()),
                        before.param_hashes.size() * sizeof(std::uint64_t)};
    return JobParams(flow_.rules[0], {}, now).same_as(row);
  }
  std::vector<std::string> changes(const store::JobRecord& before, const std::vector<Param>& now) const {
    return JobParams(flow_.rules[0], {}, now).changes_since(before);
  }
  Workflow flow_{{rule("a").output("a").param_function()}};
};

std::uint64_t hash_of(const support::RuleMaker& made, std::string_view value = "1") {
  Workflow flow({made});
  return JobParams(flow.rules[0], {&value, flow.rules[0].wildcards.size()}, {}).hash();
}

TEST_F(JobParamsTest, TheHashDependsOnNamesAndValues) {
  EXPECT_EQ(hash_of(rule("a").output("a").param("x")), hash_of(rule("b").output("b").param("x")));
  EXPECT_NE(hash_of(rule("a").output("a").param("x")), hash_of(rule("a").output("a").param("y")));
  EXPECT_NE(hash_of(rule("a").output("a").param("x").param("y")), hash_of(rule("a").output("a").param("xy")));
  EXPECT_NE(hash_of(rule("a").output("a").param("x")), hash_of(rule("a").output("a")));
}

TEST_F(JobParamsTest, TheHashDependsOnWildcardValues) {
  EXPECT_NE(hash_of(rule("a").output("{w}").param("{w}", true), "1"),
            hash_of(rule("a").output("{w}").param("{w}", true), "2"));
  EXPECT_EQ(hash_of(rule("a").output("{w}").param("{w}", false), "1"),
            hash_of(rule("a").output("{w}").param("{w}", false), "2"));
}

TEST_F(JobParamsTest, TheReadableTextHasAShortLineForEach) {
  const std::string text =
      record({named("", "x"), named("y", "1\n2"), named("z", std::string(5000, 'z'))}).params;
  EXPECT_THAT(text, StartsWith("0=x\ny=1\\n2\nz=zzz"));
  EXPECT_EQ(text.size(), std::string("0=x\ny=1\\n2\nz=...").size() + 200);
}

TEST_F(JobParamsTest, AChangeIsFoundAndNamed) {
  const auto before = record({named("v", "1"), named("w", "=")});
  EXPECT_TRUE(same(before, {named("v", "1"), named("w", "=")}));
  EXPECT_FALSE(same(before, {named("v", "2"), named("w", "=")}));
  EXPECT_THAT(changes(before, {named("v", "2"), named("w", "=")}),
              ElementsAre("param v was 1, and is 2 now"));
  EXPECT_THAT(changes(before, {named("v", "1"), named("w", "")}), ElementsAre("param w was =, and is  now"));
}

TEST_F(JobParamsTest, ParamsThatComeGoAndMoveAreNamed) {
  const auto before = record({named("v", "1"), named("w", "2")});
  for (const auto& now :
       {std::vector{named("v", "1"), named("w", "2"), named("x", "3")}, std::vector{named("v", "1")},
        std::vector{named("w", "2"), named("v", "1")}, std::vector<Param>{named("u", "1"), named("w", "2")}})
    EXPECT_FALSE(same(before, now));
  EXPECT_THAT(changes(before, {named("v", "1"), named("w", "2"), named("x", "3")}),
              ElementsAre("new param: x=3"));
  EXPECT_THAT(changes(before, {named("v", "1")}), ElementsAre("no longer a param: w=2"));
  EXPECT_THAT(changes(before, {named("w", "2"), named("v", "1")}),
              ElementsAre("the params are in another order"));
}

TEST_F(JobParamsTest, AChangeBeyondWhatIsKeptIsNamedToo) {
  const std::string start(300, 's');
  const auto before = record({named("v", start + "1")});
  EXPECT_FALSE(same(before, {named("v", start + "2")}));
  EXPECT_THAT(changes(before, {named("v", start + "2")}),
              ElementsAre(StartsWith("param v has changed after its beginning, sss")));
}

TEST_F(JobParamsTest, AParamWithoutAValueHidesOnlyItself) {
  const auto before = record({named("v", "1"), named("w", "2")});
  EXPECT_TRUE(same(before, {named("v", "1"), failed("w")}));
  EXPECT_FALSE(same(before, {named("v", "2"), failed("w")}));
  EXPECT_THAT(changes(before, {named("v", "2"), failed("w")}), ElementsAre("param v was 1, and is 2 now"));
  const auto unknown = record({named("v", "1"), failed("w")});
  EXPECT_TRUE(same(unknown, {named("v", "1"), named("w", "2")}));
  EXPECT_FALSE(same(unknown, {named("v", "2"), named("w", "2")}));
}

TEST_F(JobParamsTest, WhatStandsForAParamIsComparedWhereItHasNoValue) {
  const auto standing = [](const std::string& text) {
    return Param{.name = "v", .text = text, .stands_for = 0};
  };
  const auto before = record({named("v", "5 a"), standing("1 a")});
  EXPECT_EQ(before.params, "v=5 a");
  EXPECT_TRUE(same(before, {failed("v"), standing("1 a")}));
  EXPECT_FALSE(same(before, {failed("v"), standing("1 b")}));
  EXPECT_TRUE(same(before, {named("v", "5 a"), standing("1 b")})) << "it has a value";
  EXPECT_FALSE(same(before, {named("v", "5 b"), standing("1 a")}));
  EXPECT_THAT(changes(before, {failed("v"), standing("1 b")}),
              ElementsAre("a param that uses resources has changed, whatever the resources are"));
  EXPECT_TRUE(same(record({failed("v"), standing("1 a")}), {named("v", "5 a"), standing("1 a")}));
  EXPECT_TRUE(same(record({named("v", "5 a")}), {failed("v"), standing("1 a")})) << "of an older record";
  EXPECT_FALSE(same(record({named("v", "1"), named("w", "2")}), {named("v", "1"), standing("1")}));
}

TEST_F(JobParamsTest, WithoutAnswersTheRulesOwnParamsAreCompared) {
  Workflow flow({rule("a").output("a").param("1").param_function()});
  store::JobRecord record;
  JobParams(flow.rules[0], {}, {named("", "1"), named("", "f")}).write_to(record);
  store::JobRow row;
  row.params_hash = record.params_hash;
  row.param_hashes = {reinterpret_cast<const char*>(record.param_hashes.data()), 16};
  EXPECT_TRUE(JobParams(flow.rules[0], {}, {}).same_as(row));
  Workflow changed({rule("a").output("a").param("2").param_function()});
  EXPECT_FALSE(JobParams(changed.rules[0], {}, {}).same_as(row));
}

TEST_F(JobParamsTest, ARecordOfAnOldStoreHasOneHash) {
  store::JobRecord before = record({named("v", "1")});
  before.param_hashes.clear();
  before.params = "v=1";
  EXPECT_TRUE(same(before, {named("v", "1")}));
  EXPECT_FALSE(same(before, {named("v", "2")}));
  EXPECT_TRUE(same(before, {failed("v")}));
  EXPECT_THAT(changes(before, {named("v", "2")}), ElementsAre("params were:  v=1", "params are:   v=2"));
}

TEST_F(JobParamsTest, NoParamsAreKnownToBeNone) {
  Workflow none({rule("a").output("a")});
  store::JobRecord before;
  JobParams(none.rules[0], {}, {}).write_to(before);
  EXPECT_THAT(before.param_hashes, IsEmpty());
  EXPECT_FALSE(same(before, {failed("v")}));
  EXPECT_THAT(changes(before, {named("v", "1")}), ElementsAre("new param: v=1"));
}

}  // namespace
}  // namespace furrow::workflow
