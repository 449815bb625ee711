// What is due among several jobs, and which kinds of files make their followers due.
#include "support/staleness_fixture.hpp"

namespace furrow::workflow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(StalenessTest, RunsJobsThatDependOnAJobThatRuns) {
  rules_ = {rule("c").output("c").input("b"), rule("b").output("b").input("a"),
            rule("other").output("other").input("a")};
  write("a", "", 30);
  write("b", "", 20);
  write("c", "", 25);
  write("other", "", 40);
  EXPECT_THAT(due({"c", "other"}), ElementsAre("b: input is newer", "c: input is made again"));
  EXPECT_THAT(why("c"), ElementsAre("input made again by this run: b"));
}

TEST_F(StalenessTest, AnAncientInputThatIsMadeAgainTriggersNothing) {
  rules_ = {rule("b").output("b").input("a", kAncient), rule("a").output("a").input("source")};
  write("source", "", 30);
  write("a", "", 10);
  write("b", "", 20);
  EXPECT_THAT(due({"b"}), ElementsAre("a: input is newer"));
}

TEST_F(StalenessTest, AnAncientInputThatWasMissingIsNewToItsConsumer) {
  rules_ = {rule("b").output("b").input("a", kAncient), rule("a").output("a")};
  write("b", "", 20);
  EXPECT_THAT(due({"b"}), IsEmpty());
  EXPECT_THAT(due({"b", "a"}), ElementsAre("a: output is missing", "b: input is made again"));
}

TEST_F(StalenessTest, TheOldestOutputCounts) {
  rules_ = {rule("two").output("new").output("old").input("in")};
  write("in", "", 20);
  write("old", "", 10);
  write("new", "", 30);
  EXPECT_THAT(due({"new"}), ElementsAre("two: input is newer"));
}

TEST_F(StalenessTest, AnUnneededOutputMayBeMissing) {
  rules_ = {rule("pair").output("wanted").output("unwanted"), rule("all").aggregates().input("wanted")};
  write("wanted");
  EXPECT_THAT(due({"all"}), IsEmpty());
  EXPECT_THAT(due({"wanted"}), IsEmpty());
  EXPECT_THAT(due({"pair"}), ElementsAre("pair: output is missing"));
}

TEST_F(StalenessTest, AMissingIntermediateFileIsNotMadeAgainIfUnneeded) {
  rules_ = {rule("c").output("c").input("b"), rule("b").output("b", kTemp).input("a")};
  write("a", "", 10);
  write("c", "", 30);
  EXPECT_THAT(due({"c"}), IsEmpty());
}

TEST_F(StalenessTest, AMissingIntermediateFileIsAsOldAsItsProducts) {
  rules_ = {rule("d").output("d").input("c"), rule("c").output("c", kTemp).input("b"),
            rule("b").output("b", kTemp).input("a")};
  write("d", "", 30);
  write("a", "", 20);
  EXPECT_THAT(due({"d"}), IsEmpty());
  write("a", "", 40);
  EXPECT_THAT(due({"d"}), ElementsAre("b: output is missing, input is newer",
                                      "c: output is missing, input is made again", "d: input is made again"));
}

TEST_F(StalenessTest, AMissingIntermediateFileIsMadeAgainForAJobThatRuns) {
  rules_ = {rule("c").output("c").input("b").input("extra"), rule("b").output("b", kTemp).input("a")};
  write("a", "", 10);
  write("c", "", 30);
  write("extra", "", 40);
  EXPECT_THAT(due({"c"}), ElementsAre("b: output is missing", "c: input is newer, input is made again"));
}

TEST_F(StalenessTest, AnAggregatingRuleRunsOnlyIfAnInputIsMissing) {
  rules_ = {rule("all").aggregates().input("a"), rule("a").output("a")};
  EXPECT_THAT(due({"all"}), ElementsAre("a: output is missing", ::testing::StartsWith("all:")));
  write("a");
  EXPECT_THAT(due({"all"}), IsEmpty());
}

TEST_F(StalenessTest, ARuleWithoutOutputsRunsWheneverItIsATarget) {
  rules_ = {rule("clean")};
  EXPECT_THAT(due({"clean"}), ElementsAre("clean: makes no files"));
}

TEST_F(StalenessTest, AnOutputLinkHasItsOwnAge) {
  rules_ = {rule("link").output("link").input("in")};
  write("in", "", 20);
  write("target", "", 10);
  ASSERT_EQ(::symlink("target", "link"), 0);
  set_time("link", 30);
  EXPECT_THAT(due({"link"}), IsEmpty());
  set_time("link", 15);
  EXPECT_THAT(due({"link"}), ElementsAre("link: input is newer"));
}

TEST_F(StalenessTest, AnInputLinkIsAsNewAsTheNewerOfLinkAndTarget) {
  rules_ = {rule("copy").output("out").input("link")};
  write("target", "", 10);
  ASSERT_EQ(::symlink("target", "link"), 0);
  set_time("link", 10);
  write("out", "", 20);
  EXPECT_THAT(due({"out"}), IsEmpty());
  set_time("target", 30);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input is newer"));
  set_time("target", 10);
  set_time("link", 30);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input is newer"));
}

TEST_F(StalenessTest, ScriptContentCountsAsCode) {
  Rule made = rule("plot").output("out");
  made.kind = RuleKind::kScript;
  made.script = folder_.path() + "/plot.py";
  rules_ = {made};
  write("plot.py", "one", 10);
  write("out", "", 20);
  record("out");
  EXPECT_THAT(due({"out"}), IsEmpty());
  set_time("plot.py", 30);
  EXPECT_THAT(due({"out"}), IsEmpty());
  write("plot.py", "two", 10);
  EXPECT_THAT(due({"out"}), ElementsAre("plot: code has changed"));
}

TEST_F(StalenessTest, WildcardsInParamsAreFilledIn) {
  rules_ = {rule("a").output("{x}.out").param("x={x}", true)};
  write("1.out", "", 10);
  record("1.out");
  EXPECT_THAT(due({"1.out"}), IsEmpty());
  rules_ = {rule("a").output("{x}.out").param("x=1").code("code of a")};
  EXPECT_THAT(due({"1.out"}), IsEmpty());
  rules_ = {rule("a").output("{x}.out").param("x={x}").code("code of a")};
  EXPECT_THAT(due({"1.out"}), ElementsAre("a(x=1): params have changed"));
}

// ---- flags

TEST_F(StalenessTest, AFlagThatWasRenewedTriggersItsFollower) {
  rules_ = {rule("follow").output("out").input("flag"), rule("mark").output("flag", kTouch)};
  write("flag", "", 10);
  write("out", "", 20);
  record("flag");
  record("out");
  EXPECT_THAT(due({"out"}), IsEmpty());
  set_time("flag", 15);  // as old as if another run had made it before this job ended
  EXPECT_THAT(due({"out"}), ElementsAre("follow: input has changed"));
  set_time("flag", 30);
  EXPECT_THAT(due({"out"}), ElementsAre("follow: input is newer"));
  EXPECT_THAT(why("out"), ElementsAre("newer input: flag"));
}

TEST_F(StalenessTest, ATouchedOutputWithContentIsAFlagToo) {
  rules_ = {rule("follow").output("out").input("flag"), rule("mark").output("flag", kTouch)};
  write("flag", "words", 10);
  write("out", "", 20);
  record("out");
  set_time("flag", 30);
  EXPECT_THAT(due({"out"}), ElementsAre("follow: input is newer"));
}

TEST_F(StalenessTest, AnEmptySourceFileIsAFlag) {
  rules_ = {rule("follow").output("out").input("flag")};
  write("flag", "", 10);
  write("out", "", 20);
  record("out");
  EXPECT_THAT(due({"out"}), IsEmpty());
  set_time("flag", 30);
  EXPECT_THAT(due({"out"}), ElementsAre("follow: input is newer"));
  rules_ = {rule("follow").output("out").input("flag", kAncient)};
  EXPECT_THAT(due({"out"}), IsEmpty());
}

// ---- folders

TEST_F(StalenessTest, AFolderHasChangedWithItsTime) {
  rules_ = {rule("list").output("out").input("folder")};
  write("folder/a", "", 10);
  set_time("folder", 10);
  write("out", "", 20);
  record("out");
  EXPECT_THAT(due({"out"}), IsEmpty());
  set_time("folder", 15);
  EXPECT_THAT(due({"out"}), ElementsAre("list: input has changed"));
}

TEST_F(StalenessTest, JudgesAThousandInputs) {
  auto all = rule("all").output("out");
  for (int i = 0; i < 1000; ++i) {
    all.input(std::to_string(i) + ".in");
    write(std::to_string(i) + ".in", std::to_string(i), 10);
  }
  rules_ = {all};
  write("out", "", 20);
  record("out");
  EXPECT_THAT(due({"out"}), IsEmpty());
  for (int i = 0; i < 1000; ++i) set_time(std::to_string(i) + ".in", 30);
  EXPECT_THAT(due({"out"}), IsEmpty());
  write("500.in", "other", 30);
  EXPECT_THAT(due({"out"}), ElementsAre("all: input is newer"));
}

}  // namespace
}  // namespace furrow::workflow
