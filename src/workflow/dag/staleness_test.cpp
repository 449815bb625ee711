#include "workflow/dag/staleness.hpp"

#include <sqlite3.h>

#include <ctime>

#include "store/database.hpp"
#include "support/staleness_fixture.hpp"

namespace furrow::workflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(OneJob, DoesNotRunAgainWhenNothingChanged) {
  EXPECT_THAT(due({"out"}), IsEmpty());
  EXPECT_THAT(why("out"), ElementsAre(HasSubstr("up to date: its outputs exist")));
}

TEST_F(OneJob, RunsWhenItsOutputIsMissing) {
  ASSERT_TRUE(os::remove_tree("out"));
  EXPECT_THAT(due({"out"}), ElementsAre("copy: output is missing"));
  EXPECT_THAT(why("out"), ElementsAre("missing output: out"));
}

TEST_F(OneJob, RunsWhenAnInputIsNewerAndDiffers) {
  write("in", "other\n", 30);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input is newer"));
  EXPECT_THAT(why("out"), ElementsAre("newer input: in"));
}

TEST_F(OneJob, RunsWhenAnInputOfTheSameSizeIsNewerAndDiffers) {
  write("in", "TEXT\n", 30);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input is newer"));
}

TEST_F(OneJob, DoesNotRunWhenAnInputWasOnlyTouched) {
  set_time("in", 30);
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(OneJob, RunsWhenAnInputTooLargeToHashWasTouched) {
  set_time("in", 30);
  options_.hash_limit = 4;
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input is newer"));
}

TEST_F(OneJob, RunsWhenAnInputDiffersThoughItIsNotNewer) {
  write("in", "other\n", 15);  // edited while the job ran
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input has changed"));
  EXPECT_THAT(why("out"), ElementsAre("changed input: in"));
  write("in", "other\n", 5);  // a copy that kept an older time
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input has changed"));
  set_time("in", 20);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input has changed"));
}

TEST_F(OneJob, DoesNotRunWhenAnInputHasTheSameBytesAtAnotherTime) {
  write("in", "text\n", 5);
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(OneJob, TimesDecideWithoutARecordThoughAnInputDiffers) {
  has_store_ = false;
  write("in", "other\n", 20);
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(OneJob, AnInputTooLargeToHashHasChangedWithItsTime) {
  options_.hash_limit = 4;
  set_time("in", 5);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input has changed"));
}

TEST_F(OneJob, NamesTheInputsThatChangedWhileItRan) {
  write("in", "other\n", 15);
  EXPECT_THAT(changed_while_running("out"), ElementsAre("in"));
  write("in", "other\n", 30);
  EXPECT_THAT(changed_while_running("out"), IsEmpty());
}

TEST_F(OneJob, AnAncientInputThatDiffersTriggersNothing) {
  use(rule("copy").output("out").input("in", kAncient).param("1"));
  write("in", "other\n", 15);
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(OneJob, AnInputThatIsGoneIsNotAChangedOne) {
  rules_ = {rule("copy").output("out").input("in").param("1"), rule("make").output("in", kTemp)};
  ASSERT_TRUE(os::remove_tree("in"));
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(OneJob, RunsWhenTheSetOfInputsGrew) {
  write("more", "", 10);
  use(rule("copy").output("out").input("in").input("more").param("1"));
  EXPECT_THAT(due({"out"}), ElementsAre("copy: set of inputs has changed"));
  EXPECT_THAT(why("out"), ElementsAre("new input: more"));
}

TEST_F(OneJob, RunsWhenTheSetOfInputsShrank) {
  use(rule("copy").output("out").param("1"));
  EXPECT_THAT(due({"out"}), ElementsAre("copy: set of inputs has changed"));
  EXPECT_THAT(why("out"), ElementsAre("no longer an input: in"));
}

TEST_F(OneJob, RunsWhenItsRecordIsDamaged) {
  ASSERT_TRUE(store_->close_cleanly());
  store_.reset();
  auto database = store::Database::open(".furrow/furrow.db", SQLITE_OPEN_READWRITE);
  ASSERT_TRUE(database);
  ASSERT_TRUE(database->execute("UPDATE job SET inputs = substr(inputs, 1, length(inputs) - 1)"));
  database->close();
  open_store();
  EXPECT_THAT(due({"out"}), ElementsAre("copy: its record may be lost"));
  EXPECT_THAT(why("out"), ElementsAre(HasSubstr("the store has lost some")));
}

TEST_F(OneJob, RunsWhenAnInputWasReplacedByAnother) {
  write("other", "", 10);
  use(rule("copy").output("out").input("other").param("1"));
  EXPECT_THAT(due({"out"}), ElementsAre("copy: set of inputs has changed"));
}

TEST_F(OneJob, AnInputNamedTwiceCountsOnce) {
  use(rule("copy").output("out").input("in").input("in").param("1"));
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(OneJob, RunsWhenParamsChanged) {
  use(rule("copy").output("out").input("in").param("2"));
  EXPECT_THAT(due({"out"}), ElementsAre("copy: params have changed"));
  EXPECT_THAT(why("out"), ElementsAre("param 0 was 1, and is 2 now"));
}

TEST_F(OneJob, RunsWhenCodeChanged) {
  use(rule("copy").output("out").input("in").param("1").code("new"));
  EXPECT_THAT(due({"out"}), ElementsAre("copy: code has changed"));
  EXPECT_THAT(why("out"), ElementsAre("the code of rule copy has changed"));
}

TEST_F(OneJob, ReportsSeveralReasons) {
  use(rule("copy").output("out").input("in").param("2").code("new"));
  EXPECT_THAT(due({"out"}), ElementsAre("copy: params have changed, code has changed"));
}

TEST_F(OneJob, ExplainsThatANewerInputIsUnchanged) {
  set_time("in", 30);
  EXPECT_THAT(why("out"), ElementsAre(HasSubstr("up to date"), "newer, but unchanged: in"));
}

TEST_F(OneJob, ATouchedInputDoesNotHideThatParamsChanged) {
  set_time("in", 30);
  use(rule("copy").output("out").input("in").param("2"));
  EXPECT_THAT(due({"out"}), ElementsAre(HasSubstr("params have changed")));
}

TEST_F(OneJob, EachTriggerCanBeSwitchedOff) {
  write("more", "", 10);
  write("in", "other\n", 30);
  use(rule("copy").output("out").input("in").input("more").param("2").code("new"));
  options_.triggers = {false, false, false, false};
  EXPECT_THAT(due({"out"}), IsEmpty());
  options_.triggers = {true, false, false, false};
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input is newer"));
  options_.triggers = {false, true, false, false};
  EXPECT_THAT(due({"out"}), ElementsAre("copy: params have changed"));
  options_.triggers = {false, false, true, false};
  EXPECT_THAT(due({"out"}), ElementsAre("copy: set of inputs has changed"));
  options_.triggers = {false, false, false, true};
  EXPECT_THAT(due({"out"}), ElementsAre("copy: code has changed"));
}

TEST_F(OneJob, MissingOutputCannotBeSwitchedOff) {
  ASSERT_TRUE(os::remove_tree("out"));
  options_.triggers = {false, false, false, false};
  EXPECT_THAT(due({"out"}), ElementsAre("copy: output is missing"));
}

TEST_F(OneJob, DoesNotRunWhenAnAncientInputIsNewer) {
  use(rule("copy").output("out").input("in", kAncient).param("1"));
  write("in", "other\n", 30);
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(OneJob, RunsWhenItFailedLastTime) {
  record("out", store::JobPhase::kFailed);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: its last run failed or was interrupted"));
}

TEST_F(OneJob, RunsWhenItsLastRunNeverEnded) {
  record("out", store::JobPhase::kStarted);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: its last run failed or was interrupted"));
  options_.ignore_incomplete = true;
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(OneJob, RunsWhenAKilledSnakemakeHasMarkedItsOutput) {
  ASSERT_TRUE(os::make_directories(".snakemake/incomplete"));
  write(".snakemake/incomplete/b3V0", "{}", 1);  // "out"
  EXPECT_THAT(due({"out"}), IsEmpty())
      << "the record is newer than the marker: it describes the file as it is";
  write("out", "half", 30);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: its last run failed or was interrupted"));
  options_.ignore_incomplete = true;
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(OneJob, RunsWhenItsOutputIsMarkedAndHasNoRecord) {
  has_store_ = false;
  ASSERT_TRUE(os::make_directories(".snakemake/incomplete"));
  write(".snakemake/incomplete/b3V0", "{}", 1);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: its last run failed or was interrupted"));
  ASSERT_TRUE(os::remove_tree(".snakemake/incomplete/b3V0"));
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(OneJob, CanBeForcedInFourWays) {
  options_.force_all = true;
  EXPECT_THAT(due({"out"}), ElementsAre("copy: forced"));
  options_ = {};
  options_.force_targets = true;
  EXPECT_THAT(due({"out"}), ElementsAre("copy: forced"));
  options_ = {};
  options_.force_rules = {"copy"};
  EXPECT_THAT(due({"out"}), ElementsAre("copy: forced"));
  options_.force_rules = {"other"};
  EXPECT_THAT(due({"out"}), IsEmpty());
  force_files_ = {"out"};
  EXPECT_THAT(due({"out"}), ElementsAre("copy: forced"));
  EXPECT_THAT(why("out"), ElementsAre("it is forced by an option"));
}

TEST_F(OneJob, TimesDecideWithoutARecord) {
  has_store_ = false;
  use(rule("copy").output("out").input("in").param("2").code("new"));
  EXPECT_THAT(due({"out"}), IsEmpty());
  set_time("in", 30);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: input is newer"));
}

TEST_F(OneJob, IgnoresTheRecordOfAnotherFile) {
  ASSERT_TRUE(store_->begin());
  ASSERT_TRUE(store_->erase("out"));
  ASSERT_TRUE(store_->commit());
  use(rule("copy").output("out").input("in").param("2"));
  EXPECT_THAT(due({"out"}), IsEmpty());
  EXPECT_THAT(why("out"), ElementsAre(HasSubstr("up to date by time")));
}

TEST_F(OneJob, DoesNotRunWhenAnOutputShrankAfterACleanEnd) {
  record("out", store::JobPhase::kFinished, static_cast<double>(std::time(nullptr)));
  ASSERT_TRUE(os::write_file("out", "te"));
  set_time("out", 20);
  end_and_reopen();
  EXPECT_THAT(due({"out"}), IsEmpty());
}

// ---- params by function

class ParamFunction : public OneJob {
 protected:
  void SetUp() override {
    OneJob::SetUp();
    use(rule("copy").output("out").input("in").param_function());
    param_ = "1";
    record("out");
  }
};

TEST_F(ParamFunction, RunsWhenTheAnswerChanged) {
  EXPECT_THAT(due({"out"}), IsEmpty());
  param_ = "2";
  EXPECT_THAT(due({"out"}), ElementsAre("copy: params have changed"));
}

TEST_F(ParamFunction, FailingMakesItRunSoThatTheMistakeShows) {
  param_.clear();
  EXPECT_THAT(due({"out"}), ElementsAre("copy: a function of its params fails"));
}

TEST_F(ParamFunction, AMistakeMakesItRunUnlessAnInputIsStillToBeMade) {
  failure_ = std::make_shared<const ParamFailure>(ParamFailure{Error{"a mistake"}});
  EXPECT_THAT(due({"out"}), ElementsAre("copy: a function of its params fails"));
  EXPECT_THAT(why("out"), ElementsAre("a function of its params fails: a mistake"));
  rules_.push_back(rule("make").output("in", kTemp));
  ASSERT_TRUE(os::remove_tree("in"));
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(ParamFunction, AFileThatItMissesMayStillBeMade) {
  failure_ = std::make_shared<const ParamFailure>(ParamFailure{Error{"no such file"}, true});
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(ParamFunction, ATouchedInputDoesNotHideAChangedAnswer) {
  set_time("in", 30);
  EXPECT_THAT(due({"out"}), IsEmpty());
  param_ = "2";
  EXPECT_THAT(due({"out"}), ElementsAre(HasSubstr("params have changed")));
}

TEST_F(ParamFunction, IsNotAskedWhenTheJobRunsAnyway) {
  ASSERT_TRUE(os::remove_tree("out"));
  EXPECT_THAT(due({"out"}), ElementsAre("copy: output is missing"));
  EXPECT_THAT(detail_batches_, IsEmpty());
}

TEST_F(ParamFunction, IsNotAskedWhenParamsAreNoTrigger) {
  options_.triggers.params = false;
  param_ = "2";
  EXPECT_THAT(due({"out"}), IsEmpty());
  EXPECT_THAT(detail_batches_, IsEmpty());
}

TEST_F(ParamFunction, AllJobsAreAskedInOneMessage) {
  rules_ = {rule("copy").output("{x}.out").param_function()};
  std::vector<std::string> targets;
  for (int i = 0; i < 50; ++i) {
    targets.push_back(std::to_string(i) + ".out");
    write(targets.back(), "", 20);
  }
  EXPECT_THAT(due(targets), IsEmpty());
  EXPECT_THAT(detail_batches_, ElementsAre(50u));
}

}  // namespace
}  // namespace furrow::workflow
