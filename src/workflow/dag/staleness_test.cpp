#include "workflow/dag/staleness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <ctime>

#include "base/hash.hpp"
#include "store/database.hpp"
#include "store/run_journal.hpp"
#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"
#include "workflow/dag/graph_view.hpp"
#include "workflow/dag/job_params.hpp"
#include "workflow/jobs/recorder.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::set_time;
using support::Workflow;
using support::write;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Simulates several runs: each plans from scratch, as a new process would, on the same files and store.
class StalenessTest : public testing::Test {
 protected:
  void SetUp() override { open_store(); }
  void open_store() {
    auto opened = store::Store::open(".furrow", 0);
    ASSERT_TRUE(opened) << opened.error().to_string();
    store_ = std::move(*opened);
  }
  void end_and_reopen() {
    ASSERT_TRUE(store_->close_cleanly());
    store_.reset();
    open_store();
  }

  // What would run, with the reason: "rule(x=a): input is newer".
  std::vector<std::string> due(const std::vector<std::string>& targets) {
    auto flow = plan(targets);
    Staleness staleness(flow->dag, flow->rules, flow->states, flow->evaluator,
                        has_store_ ? store_.get() : nullptr, with_files(*flow));
    const auto decided = staleness.decide();
    EXPECT_TRUE(decided) << decided.error().to_string();
    std::vector<std::string> due;
    for (const NodeId node : flow->dag.order()) {
      if (staleness.must_run(node))
        due.push_back(flow->name_of(node) + ": " + describe(staleness.reasons(node)));
    }
    EXPECT_EQ(staleness.count(), due.size());
    detail_batches_ = flow->evaluator.detail_batches;
    return due;
  }

  std::vector<std::string> why(const std::string& target) {
    auto flow = plan({target});
    Staleness staleness(flow->dag, flow->rules, flow->states, flow->evaluator, store_.get(),
                        with_files(*flow));
    EXPECT_TRUE(staleness.decide());
    auto lines = staleness.explain(flow->job(target));
    EXPECT_TRUE(lines);
    return *lines;
  }

  std::vector<std::string> changed_while_running(const std::string& target) {
    auto flow = plan({target});
    Staleness staleness(flow->dag, flow->rules, flow->states, flow->evaluator, store_.get(),
                        with_files(*flow));
    EXPECT_TRUE(staleness.decide());
    std::vector<std::string> names;
    for (const auto& [node, files] : staleness.changed_while_running()) {
      for (const FileId file : files) names.emplace_back(flow->dag.files.view(file));
    }
    return names;
  }

  // Records a run of the job that makes OUTPUT, with the files as they are.
  void record(const std::string& output, store::JobPhase phase = store::JobPhase::kFinished,
              double finished_at = 1) {
    auto flow = plan({output});
    const NodeId node = flow->job(output);
    os::FileHasher hasher(loop_, -1);
    Recorder recorder(flow->dag, flow->rules, flow->states, *store_, &hasher, 1 << 20);
    store::JobRecord record;
    const CompiledRule& compiled = flow->rules[flow->dag.node(node).rule];
    record.key = record_key(flow->dag, flow->rules, node);
    record.rule = compiled.rule.name;
    record.code_hash = CodeHashes().of(compiled);
    std::vector<Param> answered;
    if (compiled.has_param_functions)
      answered = flow->evaluator.answer_details({.job = view_of(flow->dag, flow->rules, node)})->params;
    const auto values = flow->dag.values(node, flow->rules);
    JobParams(compiled, values, answered).write_to(record);
    record.finished_at = finished_at;
    ASSERT_TRUE(recorder.started(node, record));
    if (phase != store::JobPhase::kStarted) {
      record.phase = phase;
      ASSERT_TRUE(recorder.ended(node, record));
    }
    ASSERT_TRUE(recorder.finish());
  }

  std::unique_ptr<Workflow> plan(const std::vector<std::string>& targets) {
    auto flow = std::make_unique<Workflow>(rules_);
    flow->evaluator.answer_details = [this](const DetailQuestion&) -> Result<DetailAnswer> {
      if (param_.empty()) return fail("no value yet");
      return DetailAnswer{1, {}, {Param{.name = {}, .text = param_, .failure = failure_}}};
    };
    const auto planned = flow->plan(targets);
    EXPECT_TRUE(planned) << planned.error().to_string();
    return flow;
  }
  StalenessOptions with_files(const Workflow& flow) const {
    StalenessOptions options = options_;
    for (const std::string& name : force_files_) options.force_files.insert(flow.file(name));
    return options;
  }

  support::TemporaryFolder folder_;
  os::EventLoop loop_;
  std::unique_ptr<store::Store> store_;
  bool has_store_ = true;
  Workflow::Rules rules_;
  StalenessOptions options_;
  std::vector<std::string> force_files_;
  std::string param_;                            // what the params function answers; empty: an error
  std::shared_ptr<const ParamFailure> failure_;  // of the params function; null: none
  std::vector<std::size_t> detail_batches_;
};

// One job, "in" -> "out", made and recorded.
class OneJob : public StalenessTest {
 protected:
  void SetUp() override {
    StalenessTest::SetUp();
    use(rule("copy").output("out").input("in").param("1"));
    write("in", "text\n", 10);
    write("out", "text\n", 20);
    record("out");
  }
  void use(Rule made) {
    made.line = 1;
    rules_ = {std::move(made)};
  }
};

// ---- one job

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

// The run before meant to make "out" and was cut off; all up to DURABLE was on the disk.
class CutOff : public OneJob {
 protected:
  // Its size and time are on the disk, its content is not.
  void spoil_output() {
    const auto size = os::read_file("out").value().size();
    ASSERT_GT(size, 0u);
    ASSERT_TRUE(os::write_file("out", std::string(size, '\0')));
    set_time("out", 20);
  }
  void cut_off(std::int64_t durable, const std::vector<std::string>& planned = {"out"}) {
    store_.reset();  // no close_cleanly()
    ASSERT_TRUE(os::remove_tree(".furrow/journal"));
    auto journal = store::RunJournal::open(".furrow/journal", {});
    ASSERT_TRUE(journal);
    std::vector<std::uint64_t> keys;
    for (const std::string& key : planned) keys.push_back(hash64(key));
    ASSERT_TRUE(journal->begin(0, 0, keys, false, nullptr, "another boot"));
    store::RunJournal::add_point(journal->fd(), durable);
    open_store();
  }
};

TEST_F(CutOff, DoesNotRunWhenTheContentIsThatOfTheRecord) {
  cut_off(0);
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(CutOff, RunsWhenItsOutputIsNotWhole) {
  spoil_output();
  cut_off(0);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: perhaps not whole after a power cut"));
  EXPECT_THAT(why("out"), ElementsAre(HasSubstr("a run was cut off")));
}

TEST_F(CutOff, DoesNotRunWhenItsRecordWasOnTheDiskAndTheFileIsThatFile) {
  cut_off(100);
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(CutOff, RunsWhenTheFileIsAnotherThanThatOfTheDurableRecord) {
  spoil_output();
  cut_off(100);
  set_time("out", 21);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: perhaps not whole after a power cut"));
}

TEST_F(CutOff, DoesNotRunWhenTheRunHadOtherPlans) {
  spoil_output();
  cut_off(0, {"other"});
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(CutOff, TheDoubtOutlivesARunOfOtherTargets) {
  spoil_output();
  cut_off(0);
  end_and_reopen();
  EXPECT_THAT(due({"out"}), ElementsAre("copy: perhaps not whole after a power cut"));
}

TEST_F(CutOff, TheDoubtEndsWithANewRecord) {
  spoil_output();
  cut_off(0);
  record("out", store::JobPhase::kFinished, 1000);
  EXPECT_THAT(due({"out"}), IsEmpty());
  end_and_reopen();
  EXPECT_THAT(due({"out"}), IsEmpty());
}

TEST_F(CutOff, RunsWhenTheRecordItselfWasLost) {
  ASSERT_TRUE(store_->begin());
  ASSERT_TRUE(store_->erase("out"));
  ASSERT_TRUE(store_->commit());
  cut_off(0);
  EXPECT_THAT(due({"out"}), ElementsAre("copy: perhaps not whole after a power cut"));
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

// ---- several jobs

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
