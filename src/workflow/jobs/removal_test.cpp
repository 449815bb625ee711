#include "workflow/jobs/removal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::exists;
using support::rule;
using support::Workflow;
using support::write;

// ---- outputs

enum class There { kNothing, kFile, kReadOnlyFile, kLink, kLinkToReadOnly, kFolder, kReadOnlyFolder };

os::FileStatus status_of(There there) {
  using enum There;
  os::FileStatus found;
  if (there == kNothing) return found;
  found.kind = there == kFolder || there == kReadOnlyFolder ? os::FileStatus::Kind::kDirectory
                                                            : os::FileStatus::Kind::kFile;
  found.is_link = there == kLink || there == kLinkToReadOnly;
  found.is_protected = there == kReadOnlyFile || there == kLinkToReadOnly || there == kReadOnlyFolder;
  return found;
}

TEST(RemovalVerdictTest, OneTableDecidesForEveryOccasion) {
  using enum There;
  using enum Occasion;
  using enum Verdict;
  struct Row {
    There there;
    int flags;
    Verdict at_start, at_failure, used_up, on_request;
  };
  // clang-format off
  const Row table[] = {
    {kNothing,        0,                      kStays,       kStays, kStays,       kStays},
    {kFile,           0,                      kGoes,        kGoes,  kGoes,        kGoes},
    {kFile,           kTemp,                  kGoes,        kGoes,  kGoes,        kGoes},
    {kFile,           FileFlag::kProtected,             kGoes,        kGoes,  kGoes,        kGoes},
    {kFile,           kDirectory,             kGoes,        kGoes,  kGoes,        kGoes},
    {kFile,           kTouch,                 kGoes,        kGoes,  kGoes,        kGoes},
    {kFile,           kUpdate,                kStays,       kStays, kGoes,        kGoes},
    {kReadOnlyFile,   0,                      Verdict::kProtected, kGoes,  kGoes, Verdict::kProtected},
    {kReadOnlyFile,   kTouch,                 Verdict::kProtected, kGoes,  kGoes, Verdict::kProtected},
    {kLink,           0,                      kGoes,        kGoes,  kGoes,        kGoes},
    {kLinkToReadOnly, 0,                      kGoes,        kGoes,  kGoes,        kGoes},
    {kLinkToReadOnly, FileFlag::kProtected,   Verdict::kProtected, kGoes,  kGoes, Verdict::kProtected},
    {kFolder,         kDirectory,             kGoes,        kGoes,  kGoes,        kGoes},
    {kFolder,         kDirectory | kTouch,    kGoes,        kGoes,  kGoes,        kGoes},
    {kFolder,         0,                      kGoesIfEmpty, kStays, kGoesIfEmpty, kGoesIfEmpty},
    {kReadOnlyFolder, kDirectory,             Verdict::kProtected, kGoes,  kGoes, Verdict::kProtected},
    {kReadOnlyFolder, 0,                      Verdict::kProtected, kStays, kGoesIfEmpty, Verdict::kProtected},
  };
  // clang-format on
  for (const Row& row : table) {
    const os::FileStatus found = status_of(row.there);
    const auto flags = static_cast<FileFlags>(row.flags);
    SCOPED_TRACE(testing::Message() << "what is there: " << static_cast<int>(row.there)
                                    << ", flags: " << row.flags);
    EXPECT_EQ(judge(kStart, flags, found), row.at_start);
    EXPECT_EQ(judge(kFailure, flags, found), row.at_failure);
    EXPECT_EQ(judge(kUsedUp, flags, found), row.used_up);
    EXPECT_EQ(judge(kRequest, flags, found), row.on_request);
  }
}

class RemovalTest : public testing::Test {
 protected:
  Removal& plan(Workflow::Rules rules, const std::vector<std::string>& targets,
                const std::string& shadows = {}) {
    flow_ = std::make_unique<Workflow>(std::move(rules));
    const auto planned = flow_->plan(targets);
    EXPECT_TRUE(planned) << planned.error().to_string();
    removal_ = std::make_unique<Removal>(flow_->dag, flow_->rules, flow_->states, shadows);
    removal_->expect([](NodeId) { return true; });
    return *removal_;
  }
  NodeId job(const std::string& file) const { return flow_->job(file); }
  void fail(const std::string& file) {
    removal_->ended(job(file));
    ASSERT_TRUE(removal_->remove(job(file), Occasion::kFailure));
    removal_->remove_folders(job(file));
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<Workflow> flow_;
  std::unique_ptr<Removal> removal_;
};

TEST_F(RemovalTest, LogsAndBenchmarksInAFolderThatIsAnOutputStay) {
  plan({rule("a").output("dir", kDirectory).log("dir/logs/a.log").benchmark("dir/a.tsv")}, {"dir"});
  for (const char* file : {"dir/logs/a.log", "dir/logs/b.log", "dir/a.tsv", "dir/deep/half"}) write(file);
  fail("dir");
  EXPECT_TRUE(exists("dir/logs/a.log") && exists("dir/a.tsv"));
  EXPECT_FALSE(exists("dir/logs/b.log") || exists("dir/deep"));
}

TEST_F(RemovalTest, TheFolderOfALogIsThereWhenTheJobStarts) {
  write("dir/old");
  plan({rule("a").output("dir", kDirectory).log("dir/logs/a.log")}, {"dir"});
  ASSERT_TRUE(removal_->make_folders(job("dir")));
  ASSERT_TRUE(removal_->remove(job("dir"), Occasion::kStart));
  EXPECT_FALSE(exists("dir/old"));
  EXPECT_TRUE(exists("dir/logs"));
}

// ---- folders

TEST_F(RemovalTest, AFolderThatTheRunMadeGoesOnceItIsEmpty) {
  plan({rule("a").output("made/deep/a"), rule("b").output("there/b")}, {"made/deep/a", "there/b"});
  ASSERT_TRUE(os::make_directories("there"));
  for (const char* file : {"made/deep/a", "there/b"}) {
    ASSERT_TRUE(removal_->make_folders(job(file)));
    write(file);
    fail(file);
  }
  EXPECT_FALSE(exists("made"));
  EXPECT_TRUE(exists("there"));
  EXPECT_FALSE(exists("there/b"));
}

TEST_F(RemovalTest, AFolderStaysWhileAnotherJobIsToWriteThere) {
  struct Case {
    const char* what;
    support::RuleMaker other;
    std::string shadows;
  };
  const Case cases[] = {
      {"an output", rule("b").output("res/b"), ""},
      {"an output further down", rule("b").output("res/deep/b"), ""},
      {"a log", rule("b").output("b").log("res/b.log"), ""},
      {"a benchmark", rule("b").output("b").benchmark("res/b.tsv"), ""},
      {"a shadow folder", rule("b").output("b").shadow("minimal"), "res/shadow"},
  };
  for (const Case& one : cases) {
    const std::string other = one.other.operator Rule().output.front().items.front().pattern;
    plan({rule("a").output("res/a"), one.other}, {"res/a", other}, one.shadows);
    ASSERT_TRUE(removal_->make_folders(job("res/a")));
    fail("res/a");
    EXPECT_TRUE(exists("res")) << one.what;
    removal_->remove_leftover_folders();  // the other job did not run
    EXPECT_FALSE(exists("res")) << one.what;
  }
}

TEST_F(RemovalTest, AFolderGoesWithTheLastJobThatWasToWriteThere) {
  plan({rule("a").output("res/{n}")}, {"res/1", "res/2"});
  for (const char* file : {"res/1", "res/2"}) ASSERT_TRUE(removal_->make_folders(job(file)));
  fail("res/1");
  EXPECT_TRUE(exists("res"));
  fail("res/2");
  EXPECT_FALSE(exists("res"));
}

}  // namespace
}  // namespace furrow::workflow
