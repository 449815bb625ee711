#include "workflow/jobs/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::Workflow;
using support::write;
using ::testing::ElementsAre;

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
    auto opened = store::Store::open(".furrow", 0);
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
  static store::JobRecord finished() {
    store::JobRecord ended = record();
    ended.phase = store::JobPhase::kFinished;
    return ended;
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
  ASSERT_TRUE(recorder.started(job(), record()));
  ASSERT_TRUE(recorder.commit());
  ASSERT_TRUE(stored());
  EXPECT_EQ(stored()->phase, store::JobPhase::kStarted);
}

TEST_F(RecorderTest, AnEndedJobHasStampsOfItsFiles) {
  os::FileHasher hasher(loop_, -1);
  Recorder recorder = this->recorder(&hasher);
  ASSERT_TRUE(recorder.started(job(), record()));
  hasher.drain();
  ASSERT_TRUE(recorder.ended(job(), finished()));
  ASSERT_TRUE(recorder.commit());
  const auto record = stored();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->phase, store::JobPhase::kFinished);
  EXPECT_THAT(paths(record->inputs), ElementsAre("a", "b", "dir"));  // each once, in order of paths
  EXPECT_THAT(paths(record->outputs), ElementsAre("out", "more"));   // in order of the rule
  EXPECT_EQ(record->inputs[0].size, 2);
  EXPECT_EQ(record->inputs[0].mtime_ns, os::status("a").mtime_ns);
  EXPECT_EQ(record->inputs[0].content, *os::hash_file("a"));
  EXPECT_EQ(record->inputs[1].content, *os::hash_file("b"));
  EXPECT_EQ(record->inputs[2].content, 0u);  // a folder
  EXPECT_EQ(record->outputs[1].size, 4);
}

TEST_F(RecorderTest, ARecordIsWrittenAgainWhenItsHashesArriveLate) {
  os::FileHasher hasher(loop_, -1);
  Recorder recorder = this->recorder(&hasher);
  ASSERT_TRUE(recorder.started(job(), record()));
  ASSERT_TRUE(recorder.ended(job(), finished()));  // nothing is delivered before the loop runs
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
  ASSERT_TRUE(recorder.started(job(), record()));
  ASSERT_TRUE(recorder.ended(job(), finished()));
  ASSERT_TRUE(recorder.finish());
  EXPECT_NE(stored()->inputs[0].content, 0u);  // 2 bytes
  EXPECT_EQ(stored()->inputs[1].content, 0u);  // 3 bytes
}

TEST_F(RecorderTest, WithoutAHasherContentsAreUnknown) {
  Recorder recorder = this->recorder(nullptr);
  ASSERT_TRUE(recorder.started(job(), record()));
  ASSERT_TRUE(recorder.ended(job(), finished()));
  ASSERT_TRUE(recorder.finish());
  EXPECT_EQ(stored()->inputs[0].content, 0u);
  EXPECT_EQ(stored()->inputs[0].size, 2);
}

TEST_F(RecorderTest, AnInputThatChangedDuringTheJobLosesItsOldHash) {
  os::FileHasher hasher(loop_, -1);
  Recorder recorder = this->recorder(&hasher);
  ASSERT_TRUE(recorder.started(job(), record()));
  hasher.drain();
  write("a", "other", 50);
  flow_.states.reload(flow_.file("a"));
  ASSERT_TRUE(recorder.ended(job(), finished()));
  ASSERT_TRUE(recorder.finish());
  EXPECT_EQ(stored()->inputs[0].content, 0u);
  EXPECT_EQ(stored()->inputs[0].size, 5);
}

TEST_F(RecorderTest, CommitMayBeEmpty) {
  Recorder recorder = this->recorder(nullptr);
  EXPECT_TRUE(recorder.commit());
  EXPECT_TRUE(recorder.finish());
  EXPECT_FALSE(stored());
}

}  // namespace
}  // namespace furrow::workflow
