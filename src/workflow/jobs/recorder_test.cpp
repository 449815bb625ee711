#include "workflow/jobs/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::set_time;
using support::Workflow;
using support::write;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RecorderTest : public testing::Test {
 protected:
  RecorderTest()
      : flow_({rule("join").output("out").output("more").input("b").input("a").input("b").input("dir")}) {
    write("a", "aa", 10);
    write("b", "bbb", 20);
    write("dir/file");
    write("out", "out", 30);
    write("more", "more", 40);
    EXPECT_TRUE(flow_.plan({"out"}));
    auto opened = store::Store::open_alone(".furrow", 0);
    EXPECT_TRUE(opened);
    store_ = std::move(*opened);
  }
  NodeId job() const { return flow_.job("out"); }
  static store::JobRecord record() {
    store::JobRecord record;
    record.key = "out";
    record.rule = "join";
    return record;
  }
  static store::JobRecord finished(store::JobRecord record) {
    record.phase = store::JobPhase::kFinished;
    return record;
  }
  std::optional<store::JobRecord> stored() {
    auto found = store_->find("out");
    EXPECT_TRUE(found);
    return found ? *found : std::nullopt;
  }
  Recorder recorder(os::FileHasher* hasher, std::int64_t limit = 1 << 20) {
    return Recorder(flow_.dag, flow_.rules, flow_.states, *store_, hasher, limit);
  }
  static std::vector<std::string> paths(const std::vector<store::FileStamp>& stamps) {
    std::vector<std::string> paths;
    for (const store::FileStamp& stamp : stamps) paths.push_back(stamp.path);
    return paths;
  }

  support::TemporaryFolder folder_;
  Workflow flow_;
  os::EventLoop loop_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(RecorderTest, CommitStoresAStartedJob) {
  Recorder recorder = this->recorder(nullptr);
  store::JobRecord record = this->record();
  ASSERT_TRUE(recorder.started(job(), record));
  ASSERT_TRUE(recorder.commit());
  ASSERT_TRUE(stored());
  EXPECT_EQ(stored()->phase, store::JobPhase::kStarted);
}

TEST_F(RecorderTest, AnEndedJobHasStampsOfItsFiles) {
  os::FileHasher hasher(loop_, -1);
  Recorder recorder = this->recorder(&hasher);
  store::JobRecord record = this->record();
  ASSERT_TRUE(recorder.started(job(), record));
  hasher.drain();
  ASSERT_TRUE(recorder.ended(job(), finished(record)));
  ASSERT_TRUE(recorder.commit());
  const auto ended = stored();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->phase, store::JobPhase::kFinished);
  EXPECT_THAT(paths(ended->inputs), ElementsAre("a", "b", "dir"));  // each once, in order of paths
  EXPECT_THAT(paths(ended->outputs), ElementsAre("out", "more"));   // in order of the rule
  EXPECT_EQ(ended->inputs[0].size, 2);
  EXPECT_EQ(ended->inputs[0].mtime_ns, os::status("a").mtime_ns);
  EXPECT_EQ(ended->inputs[0].content, *os::hash_file("a"));
  EXPECT_EQ(ended->inputs[1].content, *os::hash_file("b"));
  EXPECT_EQ(ended->inputs[2].content, 0u);  // a folder
  EXPECT_EQ(ended->outputs[1].size, 4);
}

TEST_F(RecorderTest, ARecordIsWrittenAgainWhenItsHashesArriveLate) {
  os::FileHasher hasher(loop_, -1);
  Recorder recorder = this->recorder(&hasher);
  store::JobRecord record = this->record();
  ASSERT_TRUE(recorder.started(job(), record));
  ASSERT_TRUE(recorder.ended(job(), finished(record)));  // nothing is delivered before the loop runs
  ASSERT_TRUE(recorder.commit());
  ASSERT_TRUE(stored());
  EXPECT_EQ(stored()->phase, store::JobPhase::kFinished);
  EXPECT_EQ(stored()->inputs[0].content, 0u);
  ASSERT_TRUE(recorder.finish());
  EXPECT_EQ(stored()->inputs[0].content, *os::hash_file("a"));
  EXPECT_EQ(stored()->phase, store::JobPhase::kFinished);
}

TEST_F(RecorderTest, LargeInputsAreNotHashed) {
  os::FileHasher hasher(loop_, -1);
  Recorder recorder = this->recorder(&hasher, 2);
  store::JobRecord record = this->record();
  ASSERT_TRUE(recorder.started(job(), record));
  ASSERT_TRUE(recorder.ended(job(), finished(record)));
  ASSERT_TRUE(recorder.finish());
  EXPECT_NE(stored()->inputs[0].content, 0u);  // 2 bytes
  EXPECT_EQ(stored()->inputs[1].content, 0u);  // 3 bytes
}

TEST_F(RecorderTest, WithoutAHasherContentsAreUnknown) {
  Recorder recorder = this->recorder(nullptr);
  store::JobRecord record = this->record();
  ASSERT_TRUE(recorder.started(job(), record));
  ASSERT_TRUE(recorder.ended(job(), finished(record)));
  ASSERT_TRUE(recorder.finish());
  EXPECT_EQ(stored()->inputs[0].content, 0u);
  EXPECT_EQ(stored()->inputs[0].size, 2);
}

TEST_F(RecorderTest, AnInputIsStampedWhenItsJobStarts) {
  os::FileHasher hasher(loop_, -1);
  Recorder recorder = this->recorder(&hasher);
  store::JobRecord record = this->record();
  ASSERT_TRUE(recorder.started(job(), record));
  ASSERT_TRUE(recorder.commit());
  EXPECT_THAT(paths(stored()->inputs), ElementsAre("a", "b", "dir"));
  hasher.drain();
  const store::FileStamp before{"a", os::status("a").mtime_ns, 2, *os::hash_file("a")};
  write("a", "other", 50);
  flow_.states.reload(flow_.file("a"));
  ASSERT_TRUE(recorder.ended(job(), finished(record)));
  ASSERT_TRUE(recorder.finish());
  EXPECT_EQ(stored()->inputs[0].mtime_ns, before.mtime_ns);
  EXPECT_EQ(stored()->inputs[0].size, before.size);
  EXPECT_EQ(stored()->inputs[0].content, before.content);
  EXPECT_THAT(recorder.warnings(), IsEmpty());
}

TEST_F(RecorderTest, AnInputThatChangesBeforeItIsReadHasNoKnownContent) {
  os::FileHasher hasher(loop_, -1);
  Recorder recorder = this->recorder(&hasher);
  flow_.states.load(std::vector{flow_.file("a")});
  write("a", "xx", 50);  // after planning, before the job starts
  store::JobRecord record = this->record();
  ASSERT_TRUE(recorder.started(job(), record));
  ASSERT_TRUE(recorder.ended(job(), finished(record)));
  ASSERT_TRUE(recorder.finish());
  EXPECT_NE(stored()->inputs[0].mtime_ns, os::status("a").mtime_ns);
  EXPECT_EQ(stored()->inputs[0].content, 0u);
  EXPECT_NE(stored()->inputs[1].content, 0u);
}

TEST_F(RecorderTest, ALinkThatIsNewerThanItsTargetHasAContent) {
  ASSERT_TRUE(os::remove_tree("a"));
  write("target", "aa", 10);
  ASSERT_EQ(::symlink("target", "a"), 0);
  os::FileHasher hasher(loop_, -1);
  Recorder recorder = this->recorder(&hasher);
  store::JobRecord record = this->record();
  ASSERT_TRUE(recorder.started(job(), record));
  ASSERT_TRUE(recorder.ended(job(), finished(record)));
  ASSERT_TRUE(recorder.finish());
  EXPECT_EQ(stored()->inputs[0].content, *os::hash_file("a"));
}

TEST_F(RecorderTest, AFurtherAttemptIsStampedAnew) {
  Recorder recorder = this->recorder(nullptr);
  flow_.states.load(std::vector{flow_.file("a")});
  write("a", "changed", 50);
  store::JobRecord record = this->record();
  ASSERT_TRUE(recorder.started(job(), record));
  EXPECT_EQ(record.inputs[0].size, 2);
  record.attempt = 2;
  ASSERT_TRUE(recorder.started(job(), record));
  EXPECT_EQ(record.inputs[0].size, 7);
}

TEST_F(RecorderTest, AFolderIsStampedAfreshButNotForTheJobsOwnOutputs) {
  Workflow flow({rule("list").output("dir/list").output("other").input("dir")});
  ASSERT_TRUE(flow.plan({"other"}));
  flow.states.load(std::vector{flow.file("dir")});
  Recorder recorder(flow.dag, flow.rules, flow.states, *store_, nullptr, 0);
  write("dir/new", "");
  const std::int64_t at_start = os::status("dir").mtime_ns;
  store::JobRecord record = this->record();
  ASSERT_TRUE(recorder.started(flow.job("other"), record));
  EXPECT_EQ(record.inputs[0].mtime_ns, at_start);
  set_time("dir", 70);
  ASSERT_TRUE(recorder.ended(flow.job("other"), finished(record)));
  ASSERT_TRUE(recorder.finish());
  EXPECT_EQ(stored()->inputs[0].mtime_ns, os::status("dir").mtime_ns);
}

TEST_F(RecorderTest, StampsOfADeadEngineAreKeptExceptForWhatWasMadeSince) {
  Workflow flow(
      {rule("second").output("out").input("a").input("middle"), rule("first").output("middle").input("b")});
  write("middle", "m", 60);
  ASSERT_TRUE(flow.plan({"out"}));
  Recorder recorder(flow.dag, flow.rules, flow.states, *store_, nullptr, 0);
  store::JobRecord first;
  first.key = "middle";
  ASSERT_TRUE(recorder.started(flow.job("middle"), first));
  ASSERT_TRUE(recorder.ended(flow.job("middle"), finished(first)));
  store::JobRecord record = this->record();
  ASSERT_TRUE(
      recorder.started(flow.job("out"), record, {{"a", 1, 2, 3}, {"gone", 4, 5, 6}, {"middle", 7, 8, 9}}));
  EXPECT_THAT(paths(record.inputs), ElementsAre("a", "middle"));
  EXPECT_EQ(record.inputs[0].mtime_ns, 1);
  EXPECT_EQ(record.inputs[1].mtime_ns, os::status("middle").mtime_ns);
}

// Inputs that changed while their jobs ran the last time too.
class ChangedBefore : public RecorderTest {
 protected:
  // What is recorded of "a" if WHILE_RUNNING happens during the job.
  store::FileStamp stamp_after(const std::function<void()>& while_running) {
    const Recorder::InputsOfJobs changed{{job(), {flow_.file("a")}}};
    os::FileHasher hasher(loop_, -1);
    Recorder recorder = this->recorder(&hasher);
    recorder.set_changed_before(&changed);
    store::JobRecord record = this->record();
    EXPECT_TRUE(recorder.started(job(), record));
    while_running();
    EXPECT_TRUE(recorder.ended(job(), finished(record)));
    EXPECT_TRUE(recorder.finish());
    warnings_ = recorder.warnings();
    return stored()->inputs[0];
  }
  std::vector<std::string> warnings_;
};

TEST_F(ChangedBefore, AreAcceptedWithAWarningIfTheyChangeAgain) {
  const store::FileStamp stamp = stamp_after([] { write("a", "other", 50); });
  EXPECT_EQ(stamp.mtime_ns, os::status("a").mtime_ns);
  EXPECT_EQ(stamp.size, 5);
  EXPECT_EQ(stamp.content, *os::hash_file("a"));
  EXPECT_THAT(warnings_, ElementsAre(AllOf(HasSubstr("a, an input of rule join"),
                                           HasSubstr("before_update()"), HasSubstr(" update()"))));
}

TEST_F(ChangedBefore, AreAcceptedInSilenceIfTheyHaveTheSameBytes) {
  const store::FileStamp stamp = stamp_after([] { set_time("a", 50); });
  EXPECT_EQ(stamp.mtime_ns, os::status("a").mtime_ns);
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(ChangedBefore, KeepTheStampOfTheStartIfTheyStayAsTheyAre) {
  write("a", "new", 45);  // after planning
  const store::FileStamp stamp = stamp_after([] {});
  EXPECT_EQ(stamp.mtime_ns, os::status("a").mtime_ns);
  EXPECT_EQ(stamp.content, *os::hash_file("a"));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(RecorderTest, CommitMayBeEmpty) {
  Recorder recorder = this->recorder(nullptr);
  EXPECT_TRUE(recorder.commit());
  EXPECT_TRUE(recorder.finish());
  EXPECT_FALSE(stored());
}

}  // namespace
}  // namespace furrow::workflow
