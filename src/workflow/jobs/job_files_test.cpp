#include "workflow/jobs/job_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "os/events/clock.hpp"
#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::content_of;
using support::exists;
using support::rule;
using support::set_time;
using support::Workflow;
using support::write;
using ::testing::AllOf;
using ::testing::HasSubstr;

class JobFilesTest : public testing::Test {
 protected:
  JobFiles& plan(Workflow::Rules rules, const std::vector<std::string>& targets, FileOptions options = {}) {
    files_.reset();
    flow_ = std::make_unique<Workflow>(std::move(rules));
    const auto planned = flow_->plan(targets);
    EXPECT_TRUE(planned) << planned.error().to_string();
    files_ = std::make_unique<JobFiles>(flow_->dag, flow_->rules, flow_->states, options);
    files_->expect([](NodeId) { return true; });
    return *files_;
  }
  NodeId job(const std::string& file) const { return flow_->job(file); }
  // Does what a run does before and after a job, which writes these files.
  Result<void> run(const std::string& job_of, const std::vector<std::string>& made) {
    const NodeId node = job(job_of);
    FURROW_TRY(files_->before(node));
    FURROW_TRY(files_->clear(node));
    for (const std::string& file : made) EXPECT_TRUE(os::write_file(file, "made\n")) << file;
    FURROW_TRY(files_->after(node));
    files_->before_record(node);
    files_->settle(node);
    return {};
  }
  std::string mistake(const std::string& job_of, const std::vector<std::string>& made) {
    const auto done = run(job_of, made);
    return done ? "done" : done.error().to_string();
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<Workflow> flow_;
  std::unique_ptr<JobFiles> files_;
};

// ---- before

TEST_F(JobFilesTest, MakesFoldersOfOutputsLogsAndBenchmarks) {
  plan({rule("a").output("out/deep/{x}").output("other/{x}").log("logs/{x}.log").benchmark("times/{x}.tsv")},
       {"other/1"});
  ASSERT_TRUE(files_->before(job("other/1")));
  for (const char* name : {"out/deep", "other", "logs", "times"})
    EXPECT_TRUE(os::status(name).kind == os::FileStatus::Kind::kDirectory) << name;
  EXPECT_FALSE(exists("out/deep/1"));
}

TEST_F(JobFilesTest, RemovesOldOutputsButKeepsOldLogs) {
  write("out", "old");
  write("out.log", "old");
  plan({rule("a").output("out").log("out.log")}, {"out"});
  ASSERT_TRUE(files_->before(job("out")));
  ASSERT_TRUE(files_->clear(job("out")));
  EXPECT_FALSE(exists("out"));
  EXPECT_EQ(content_of("out.log"), "old");
}

TEST_F(JobFilesTest, RemovesAnOldFolderThatIsTheOutput) {
  write("out/file");
  plan({rule("a").output("out", kDirectory)}, {"out"});
  ASSERT_TRUE(files_->before(job("out")));
  ASSERT_TRUE(files_->clear(job("out")));
  EXPECT_FALSE(exists("out"));
}

TEST_F(JobFilesTest, AnUndeclaredFolderWithFilesStopsTheJob) {
  write("out/precious");
  plan({rule("a").output("out")}, {"out"});
  const auto ready = files_->before(job("out"));
  ASSERT_FALSE(ready);
  EXPECT_THAT(ready.error().to_string(),
              AllOf(HasSubstr("Snakefile:"), HasSubstr("out is a folder"), HasSubstr("directory()")));
  EXPECT_TRUE(exists("out/precious"));
}

TEST_F(JobFilesTest, AnEmptyUndeclaredFolderGoes) {
  ASSERT_TRUE(os::make_directories("out"));
  plan({rule("a").output("out")}, {"out"});
  ASSERT_TRUE(files_->before(job("out")));
  ASSERT_TRUE(files_->clear(job("out")));
  EXPECT_FALSE(exists("out"));
}

TEST_F(JobFilesTest, NothingOldIsTouchedBeforeTheJobIsReadyToStart) {
  write("out", "old");
  plan({rule("a").output("out")}, {"out"});
  ASSERT_TRUE(files_->before(job("out")));
  EXPECT_EQ(content_of("out"), "old");
}

TEST_F(JobFilesTest, RemovesAnOldLinkButNotItsTarget) {
  write("target");
  ASSERT_EQ(::symlink("target", "out"), 0);
  plan({rule("a").output("out")}, {"out"});
  ASSERT_TRUE(files_->before(job("out")));
  ASSERT_TRUE(files_->clear(job("out")));
  EXPECT_FALSE(exists("out"));
  EXPECT_TRUE(exists("target"));
}

TEST_F(JobFilesTest, RemovesADanglingLink) {
  ASSERT_EQ(::symlink("nowhere", "out"), 0);
  plan({rule("a").output("out")}, {"out"});
  ASSERT_TRUE(files_->before(job("out")));
  ASSERT_TRUE(files_->clear(job("out")));
  EXPECT_FALSE(os::status("out").is_link);
}

TEST_F(JobFilesTest, AWriteProtectedOutputStopsTheJobAndKeepsAllOutputs) {
  write("first", "old");
  write("out", "old");
  ASSERT_TRUE(os::set_writable("out", false));
  plan({rule("a").output("first").output("out", kProtected)}, {"out"});
  const auto ready = files_->before(job("out"));
  ASSERT_FALSE(ready);
  EXPECT_THAT(ready.error().to_string(),
              AllOf(HasSubstr("Snakefile:"), HasSubstr("write-protected output files for rule a: out")));
  EXPECT_EQ(content_of("out"), "old");
  EXPECT_EQ(content_of("first"), "old");
}

// ---- after

TEST_F(JobFilesTest, AMissingOutputIsAnErrorThatNamesIt) {
  plan({rule("a").output("there").output("gone").output("lost")}, {"there"});
  EXPECT_THAT(mistake("there", {"there"}),
              AllOf(HasSubstr("rule a ended well but did not make gone, lost"), HasSubstr("--latency-wait")));
}

TEST_F(JobFilesTest, ADanglingLinkIsAMissingOutput) {
  plan({rule("a").output("out")}, {"out"});
  ASSERT_TRUE(files_->before(job("out")));
  ASSERT_EQ(::symlink("nowhere", "out"), 0);
  EXPECT_FALSE(files_->after(job("out")));
}

TEST_F(JobFilesTest, AMissingOutputIsPendingUntilItAppearsOrTimesOut) {
  plan({rule("a").output("out").output("flag", kTouch)}, {"out"}, {.latency_s = 20});
  const double now = os::wall_seconds();
  EXPECT_TRUE(files_->outputs_pending(job("out"), now));
  EXPECT_FALSE(files_->outputs_pending(job("out"), now - 21));
  write("out");  // after() makes the other one
  EXPECT_FALSE(files_->outputs_pending(job("out"), now));
}

TEST_F(JobFilesTest, NoOutputIsPendingWithoutALatency) {
  plan({rule("a").output("out")}, {"out"});
  EXPECT_FALSE(files_->outputs_pending(job("out"), os::wall_seconds()));
}

TEST_F(JobFilesTest, OutputsMustBeFilesOrFoldersAsDeclared) {
  plan({rule("a").output("out")}, {"out"});
  ASSERT_TRUE(files_->before(job("out")));
  ASSERT_TRUE(os::make_directories("out"));
  EXPECT_THAT(files_->after(job("out")).error().message,
              HasSubstr("out is a folder, but rule a declares a file"));
  plan({rule("a").output("dir", kDirectory)}, {"dir"});
  EXPECT_THAT(mistake("dir", {"dir"}), HasSubstr("dir is a file, but rule a declares a folder"));
}

TEST_F(JobFilesTest, ATouchOutputIsMadeOrTouched) {
  write("old.done", "content", 10);
  plan({rule("a").output("old.done", kTouch).output("new.done", kTouch)}, {"new.done"});
  ASSERT_TRUE(run("new.done", {"new.done"}));
  EXPECT_EQ(content_of("new.done"), "made\n") << "the job has made it itself";
  EXPECT_EQ(content_of("old.done"), "");
  EXPECT_GT(os::status("old.done").mtime_ns, 1'100'000'000'000'000'000);
}

TEST_F(JobFilesTest, ATouchOutputMayBeAFolder) {
  plan({rule("a").output("dir", kTouch | kDirectory)}, {"dir"});
  ASSERT_TRUE(run("dir", {}));
  EXPECT_EQ(os::status("dir").kind, os::FileStatus::Kind::kDirectory);
}

TEST_F(JobFilesTest, EnsureNonEmptyRefusesAnEmptyFile) {
  plan({rule("a").ensured("out", {.non_empty = true})}, {"out"});
  EXPECT_EQ(mistake("out", {"out"}), "done");
  ASSERT_TRUE(files_->before(job("out")));
  ASSERT_TRUE(os::write_file("out", ""));
  EXPECT_THAT(files_->after(job("out")).error().to_string(),
              AllOf(HasSubstr("out is empty"), HasSubstr("rule a")));
}

TEST_F(JobFilesTest, AWrongChecksumErrorShowsBothSums) {
  const std::string sha256 = "5c0cbfbb87de0e2c7edfa3aa50a45eaa6bce1b0a68d3c5bb7ebb6fad6c4b3b5c";
  plan({rule("a").ensured("out", {.sha256 = sha256})}, {"out"});
  EXPECT_THAT(
      mistake("out", {"out"}),
      AllOf(HasSubstr(
                "out has the SHA-256 sum 9ccbd3f1b19a1cdfd8d7c6ae48e9e822e2345f5be1a6187b19e41486c6941004"),
            HasSubstr("ensures " + sha256)));
}

TEST_F(JobFilesTest, AChecksumMayBeInCapitals) {
  const auto abc = [&](Ensure ensure) {
    plan({rule("a").ensured("out", std::move(ensure))}, {"out"});
    EXPECT_TRUE(os::write_file("out", "abc"));
    return files_->after(job("out")).has_value();
  };
  EXPECT_TRUE(abc({.sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}));
  EXPECT_TRUE(abc({.sha256 = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"}));
  EXPECT_TRUE(abc({.sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d"}));
  EXPECT_TRUE(abc({.md5 = "900150983cd24fb0d6963f7d28e17f72"}));
  EXPECT_FALSE(abc({.md5 = "900150983cd24fb0d6963f7d28e17f73"}));
  EXPECT_FALSE(abc({.sha1 = "b9993e364706816aba3e25717850c26c9cd0d89d"}));
}

TEST_F(JobFilesTest, MakesALogThatTheJobDidNotWrite) {
  write("kept.log", "words");
  plan({rule("a").output("out").log("out.log").log("kept.log")}, {"out"});
  ASSERT_TRUE(run("out", {"out"}));
  EXPECT_EQ(content_of("out.log"), "");
  EXPECT_EQ(content_of("kept.log"), "words");
}

TEST_F(JobFilesTest, AProtectedOutputIsReadOnly) {
  plan({rule("a").output("out", kProtected).output("free")}, {"out"});
  ASSERT_TRUE(run("out", {"out", "free"}));
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status("out").permissions() & perms::owner_write, perms::none);
  EXPECT_NE(std::filesystem::status("free").permissions() & perms::owner_write, perms::none);
}

TEST_F(JobFilesTest, AnOutputThatKeptAnOldTimeIsTouched) {
  write("in", "", 1000);
  plan({rule("unpack").output("out").input("in")}, {"out"});
  ASSERT_TRUE(files_->before(job("out")));
  write("out", "", 10);
  ASSERT_TRUE(files_->after(job("out")));
  files_->before_record(job("out"));
  EXPECT_GT(os::status("out").mtime_ns, os::status("in").mtime_ns);
  EXPECT_EQ(flow_->states.mtime_ns(flow_->file("out")), os::status("out").mtime_ns);
}

// ---- temp files

TEST_F(JobFilesTest, RemovesATempFileAfterItsLastConsumer) {
  plan({rule("all").aggregates().input("1").input("2"), rule("use").output("{n,\\d}").input("t/temp"),
        rule("make").output("t/temp", kTemp)},
       {"all"});
  ASSERT_TRUE(run("t/temp", {"t/temp"}));
  EXPECT_TRUE(exists("t/temp"));
  ASSERT_TRUE(run("1", {"1"}));
  EXPECT_TRUE(exists("t/temp"));
  ASSERT_TRUE(run("2", {"2"}));
  EXPECT_FALSE(exists("t"));
}

TEST_F(JobFilesTest, KeepsAParentFolderThatIsNotEmpty) {
  write("t/other");
  plan({rule("use").output("1").input("t/deep/temp"), rule("make").output("t/deep/temp", kTemp)}, {"1"});
  ASSERT_TRUE(run("t/deep/temp", {"t/deep/temp"}));
  ASSERT_TRUE(run("1", {"1"}));
  EXPECT_FALSE(exists("t/deep"));
  EXPECT_TRUE(exists("t/other"));
}

TEST_F(JobFilesTest, RemovesAnUnusedTempFileAtOnce) {
  plan({rule("use").output("used").input("wanted"), rule("make").output("wanted").output("temp", kTemp)},
       {"used"});
  ASSERT_TRUE(run("wanted", {"wanted", "temp"}));
  EXPECT_FALSE(exists("temp"));
  EXPECT_TRUE(exists("wanted"));
}

TEST_F(JobFilesTest, KeepsTempFilesOfATargetsJob) {
  plan({rule("make").output("wanted").output("temp", kTemp)}, {"wanted"});
  ASSERT_TRUE(run("wanted", {"wanted", "temp"}));
  EXPECT_TRUE(exists("temp"));
}

TEST_F(JobFilesTest, KeepsATempFileThatIsATarget) {
  plan({rule("use").output("1").input("temp"), rule("make").output("temp", kTemp)}, {"1", "temp"});
  ASSERT_TRUE(run("temp", {"temp"}));
  ASSERT_TRUE(run("1", {"1"}));
  EXPECT_TRUE(exists("temp"));
}

TEST_F(JobFilesTest, RemovesATempFolderWithItsContent) {
  plan({rule("use").output("1").input("temp"), rule("make").output("temp", kTemp | kDirectory)}, {"1"});
  ASSERT_TRUE(files_->before(job("temp")));
  write("temp/a/b");
  ASSERT_TRUE(files_->after(job("temp")));
  files_->settle(job("temp"));
  ASSERT_TRUE(run("1", {"1"}));
  EXPECT_FALSE(exists("temp"));
}

TEST_F(JobFilesTest, RemovesATempFileWithoutWaitingForJobsThatDoNotRun) {
  plan({rule("all").aggregates().input("1").input("2"), rule("use").output("{n,\\d}").input("temp"),
        rule("make").output("temp", kTemp)},
       {"all"});
  files_ = std::make_unique<JobFiles>(flow_->dag, flow_->rules, flow_->states, FileOptions{});
  files_->expect([&](NodeId node) { return node != job("2"); });
  ASSERT_TRUE(run("temp", {"temp"}));
  ASSERT_TRUE(run("1", {"1"}));
  EXPECT_FALSE(exists("temp"));
}

// A killed run made two temp files: the users of the first have run, and one of the second has not.
TEST_F(JobFilesTest, RemovesTempFilesOfAKilledRunOnceNoJobNeedsThem) {
  const Workflow::Rules rules{rule("all").aggregates().input("1").input("2"),
                              rule("use").output("{n,\\d}").input("{n}.temp"),
                              rule("make").output("{n,\\d}.temp", kTemp)};
  for (const bool removes : {true, false}) {
    for (const char* name : {"1", "1.temp", "2.temp"}) write(name);
    plan(rules, {"all"});
    FileOptions options;
    options.removes_leftovers = removes;
    files_ = std::make_unique<JobFiles>(flow_->dag, flow_->rules, flow_->states, options);
    files_->expect([&](NodeId node) { return node == job("2"); });
    EXPECT_EQ(exists("1.temp"), !removes);
    EXPECT_TRUE(exists("2.temp"));
    ASSERT_TRUE(run("2", {"2"}));
    EXPECT_FALSE(exists("2.temp"));
    ASSERT_TRUE(os::remove_tree("2"));
  }
}

TEST_F(JobFilesTest, KeepsTempFilesOfAKilledRunWhileAFunctionMayAskForThem) {
  for (const char* name : {"1", "temp"}) write(name);
  plan({rule("use").output("1").input("temp"), rule("make").output("temp", kTemp)}, {"1"});
  FileOptions options;
  options.removes_leftovers = true;
  files_ = std::make_unique<JobFiles>(flow_->dag, flow_->rules, flow_->states, options);
  files_->keep_temp_files();
  const auto none = [](NodeId) { return false; };
  files_->expect(none);
  EXPECT_TRUE(exists("temp"));
  files_->extend({}, none, true);
  EXPECT_FALSE(exists("temp"));
}

TEST_F(JobFilesTest, KeepTempKeepsTempFiles) {
  plan({rule("use").output("1").input("temp"), rule("make").output("temp", kTemp)}, {"1"},
       {.keep_temp = true});
  ASSERT_TRUE(run("temp", {"temp"}));
  ASSERT_TRUE(run("1", {"1"}));
  EXPECT_TRUE(exists("temp"));
}

TEST_F(JobFilesTest, RemovesATempFileThatOneJobUsesTwice) {
  plan({rule("use").output("1").input("temp").input("temp"), rule("make").output("temp", kTemp)}, {"1"});
  ASSERT_TRUE(run("temp", {"temp"}));
  ASSERT_TRUE(run("1", {"1"}));
  EXPECT_FALSE(exists("temp"));
}

// ---- failed jobs

// ---- a graph that grows

TEST_F(JobFilesTest, NoTempFileGoesWhileFunctionsWait) {
  plan({rule("all").aggregates().input("b"), rule("a").output("a", kTemp), rule("b").output("b").input("a")},
       {"all"});
  files_->keep_temp_files();
  ASSERT_TRUE(run("a", {"a"}));
  ASSERT_TRUE(run("b", {"b"}));
  EXPECT_TRUE(exists("a"));
  files_->extend(
      {}, [](NodeId) { return true; }, true);
  EXPECT_FALSE(exists("a"));
}

TEST_F(JobFilesTest, ATempFileStaysForAJobThatIsDueSinceTheGraphHasGrown) {
  plan({rule("all").aggregates().input("b").input("c"), rule("a").output("a", kTemp),
        rule("b").output("b").input("a"), rule("c").output("c").input("a")},
       {"all"});
  files_->extend(
      {.dropped = {job("c")}}, [&](NodeId node) { return node != job("c"); }, true);
  files_->extend(
      {.due = {job("c")}}, [](NodeId) { return true; }, true);
  ASSERT_TRUE(run("a", {"a"}));
  ASSERT_TRUE(run("b", {"b"}));
  EXPECT_TRUE(exists("a"));
  ASSERT_TRUE(run("c", {"c"}));
  EXPECT_FALSE(exists("a"));
}

TEST_F(JobFilesTest, ATempFileGoesIfItsLastUserIsDropped) {
  plan({rule("all").aggregates().input("b").input("c"), rule("a").output("a", kTemp),
        rule("b").output("b").input("a"), rule("c").output("c").input("a")},
       {"all"});
  ASSERT_TRUE(run("a", {"a"}));
  ASSERT_TRUE(run("b", {"b"}));
  EXPECT_TRUE(exists("a"));
  files_->extend(
      {.dropped = {job("c")}}, [&](NodeId node) { return node != job("c"); }, true);
  EXPECT_FALSE(exists("a"));
}

TEST_F(JobFilesTest, OutputsOfAJobThatDidNotStartAreThoseOfAnEarlierRun) {
  write("out", "old");
  plan({rule("a").output("out")}, {"out"});
  files_->discard(job("out"), false, false);
  EXPECT_EQ(content_of("out"), "old");
}

TEST_F(JobFilesTest, RemovesOutputsOfAFailedJobButKeepsItsLog) {
  plan({rule("a").output("dir/out").output("dir/more").log("out.log")}, {"dir/out"});
  ASSERT_TRUE(files_->before(job("dir/out")));
  write("dir/out");
  write("out.log", "sorry");
  files_->discard(job("dir/out"), true, false);
  EXPECT_FALSE(exists("dir"));
  EXPECT_EQ(content_of("out.log"), "sorry");
}

TEST_F(JobFilesTest, KeepIncompleteKeepsOutputsOfAFailedJob) {
  plan({rule("a").output("out")}, {"out"}, {.keep_incomplete = true});
  write("out");
  files_->discard(job("out"), true, false);
  EXPECT_TRUE(exists("out"));
}

TEST_F(JobFilesTest, KeepsAnUndeclaredFolderAfterAFailedJob) {
  write("out/precious");
  plan({rule("a").output("out")}, {"out"});
  files_->discard(job("out"), true, false);
  EXPECT_TRUE(exists("out/precious"));
}

// ---- --touch

TEST_F(JobFilesTest, TouchesExistingOutputs) {
  write("out", "", 10);
  plan({rule("a").output("out").output("gone", kTemp)}, {"out"});
  ASSERT_TRUE(files_->touch(job("out")));
  EXPECT_GT(os::status("out").mtime_ns, 1'100'000'000'000'000'000);
  EXPECT_FALSE(exists("gone"));
}

TEST_F(JobFilesTest, TouchesNothingIfAnOutputIsMissing) {
  write("out", "", 10);
  plan({rule("a").output("out").output("gone")}, {"out"});
  EXPECT_THAT(files_->touch(job("out")).error().to_string(),
              AllOf(HasSubstr("Snakefile:"), HasSubstr("gone is not there")));
  EXPECT_LT(os::status("out").mtime_ns, 1'100'000'000'000'000'000);
}

}  // namespace
}  // namespace furrow::workflow
