#include "workflow/workflow_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::content_of;
using support::exists;
using support::rule;
using support::Workflow;
using support::write;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The farm's part is played by the test: it starts a job, writes its files and says how it ended.
class WorkflowSourceTest : public testing::Test, private plan::PrepareListener {
 protected:
  void plan(Workflow::Rules rules, const std::vector<std::string>& targets, SourceOptions options = {}) {
    flow_ = std::make_unique<Workflow>(std::move(rules));
    const auto planned = flow_->plan(targets);
    ASSERT_TRUE(planned) << planned.error().to_string();
    auto opened = store::Store::open_alone(".furrow", 0);
    ASSERT_TRUE(opened);
    store_ = std::move(*opened);
    demands_ = std::make_unique<JobDemands>(flow_->dag, flow_->rules, flow_->evaluator, resources_, 4);
    files_ = std::make_unique<JobFiles>(flow_->dag, flow_->rules, flow_->states, FileOptions{});
    recorder_ = std::make_unique<Recorder>(flow_->dag, flow_->rules, flow_->states, *store_, nullptr, 0);
    source_ = std::make_unique<WorkflowSource>(flow_->dag, flow_->rules, flow_->evaluator, *demands_, *files_,
                                               recorder_.get(), options);
    source_->set_prepare_listener(this);
    files_->expect([](NodeId) { return true; });
    source_->plan(graph_, [](NodeId) { return true; });
  }
  // The job of the farm that makes FILE.
  plan::JobId job(const std::string& file) const {
    plan::JobId id = 0;
    while (source_->node(id) != flow_->job(file)) ++id;
    return id;
  }
  plan::Launch start(plan::JobId id, int attempt = 1) {
    plan::Launch launch;
    EXPECT_TRUE(source_->demands({&id, 1}, attempt).front());
    source_->prepare({&id, 1}, attempt);
    const auto started = source_->before_start(id, attempt, launch);
    EXPECT_TRUE(started) << started.error().to_string();
    EXPECT_TRUE(source_->commit());
    const auto cleared = source_->clear_outputs(id);
    EXPECT_TRUE(cleared) << cleared.error().to_string();
    return launch;
  }
  Result<void> succeed(const plan::Exit& exit) {
    FURROW_TRY(source_->check_outputs(exit));
    return source_->on_success(exit);
  }
  store::JobRecord record(const std::string& key) {
    EXPECT_TRUE(source_->commit());
    const auto found = store_->find(key);
    EXPECT_TRUE(found && *found) << key;
    return found && *found ? **found : store::JobRecord{};
  }
  static plan::Exit exit_of(plan::JobId id, int status = 0, int attempt = 1) {
    plan::Exit exit;
    exit.job = id;
    exit.status = status;
    exit.attempt = attempt;
    return exit;
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<Workflow> flow_;
  plan::Resources resources_;
  plan::JobGraph graph_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<JobDemands> demands_;
  std::unique_ptr<JobFiles> files_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<WorkflowSource> source_;

 private:
  void on_prepared(plan::JobId, int, Result<plan::Launch> launch) override { EXPECT_TRUE(launch); }
};

TEST_F(WorkflowSourceTest, JobsWaitForTheirProducersAndHaveDepths) {
  plan({rule("c").output("c").input("b"), rule("b").output("b").input("a"), rule("a").output("a"),
        rule("d").output("d")},
       {"c", "d"});
  EXPECT_THAT(graph_.take_ready(), ElementsAre(job("a"), job("d")));
  EXPECT_EQ(graph_.job(job("a")).depth, 2u);
  EXPECT_EQ(graph_.job(job("d")).depth, 0u);
}

TEST_F(WorkflowSourceTest, InputsOfAPrioritizedJobAreUrgentToo) {
  SourceOptions options;
  options.prioritized = {"c"};
  plan({rule("c").output("c").input("b"), rule("b").output("b"), rule("d").output("d")}, {"c", "d"}, options);
  EXPECT_TRUE(graph_.job(job("c")).urgent);
  EXPECT_TRUE(graph_.job(job("b")).urgent);
  EXPECT_FALSE(graph_.job(job("d")).urgent);
}

TEST_F(WorkflowSourceTest, RecordsAJobAsStartedThenFinished) {
  plan({rule("a").output("out/a").param("p")}, {"out/a"});
  start(job("out/a"));
  EXPECT_EQ(record("out/a").phase, store::JobPhase::kStarted);
  write("out/a");
  ASSERT_TRUE(succeed(exit_of(job("out/a"))));
  EXPECT_EQ(record("out/a").phase, store::JobPhase::kFinished);
  EXPECT_EQ(record("out/a").params, "0=p");
  EXPECT_EQ(record("out/a").outputs.at(0).path, "out/a");
}

TEST_F(WorkflowSourceTest, AJobThatDidNotMakeItsOutputFails) {
  plan({rule("a").output("a")}, {"a"});
  start(job("a"));
  const auto finished = succeed(exit_of(job("a")));
  ASSERT_FALSE(finished);
  EXPECT_THAT(finished.error().message, HasSubstr("did not make a"));
  EXPECT_EQ(record("a").phase, store::JobPhase::kStarted);
}

TEST_F(WorkflowSourceTest, AFailedJobIsRecordedAndKeepsOnlyItsLog) {
  plan({rule("a").output("a").log("a.log")}, {"a"});
  start(job("a"));
  write("a");
  write("a.log", "sorry");
  source_->on_failure(exit_of(job("a"), 3), false);
  EXPECT_FALSE(exists("a"));
  EXPECT_EQ(content_of("a.log"), "sorry");
  EXPECT_EQ(record("a").phase, store::JobPhase::kFailed);
  EXPECT_EQ(record("a").status, 3);
}

TEST_F(WorkflowSourceTest, AFailureThatIsRetriedIsNotRecorded) {
  plan({rule("a").output("a")}, {"a"});
  start(job("a"));
  source_->on_failure(exit_of(job("a"), 3), true);
  EXPECT_EQ(record("a").phase, store::JobPhase::kStarted);
  start(job("a"), 2);
  EXPECT_EQ(record("a").attempt, 2);
}

TEST_F(WorkflowSourceTest, AShadowJobRunsInItsFolderAndOutputsMoveOut) {
  plan({rule("a").output("out/a").log("logs/a.log").shadow("minimal")}, {"out/a"});
  const auto launch = start(job("out/a"));
  EXPECT_THAT(launch.directory, ::testing::StartsWith(folder_.path()));
  write(launch.directory + "/out/a", "made");
  write(launch.directory + "/logs/a.log", "words");
  write(launch.directory + "/scratch");
  ASSERT_TRUE(succeed(exit_of(job("out/a"))));
  EXPECT_EQ(content_of("out/a"), "made");
  EXPECT_EQ(content_of("logs/a.log"), "words");
  EXPECT_FALSE(exists(launch.directory));
}

TEST_F(WorkflowSourceTest, KeepsTheLogOfAFailedShadowJob) {
  plan({rule("a").output("out/a").log("logs/a.log").shadow("minimal")}, {"out/a"});
  const auto launch = start(job("out/a"));
  write(launch.directory + "/out/a", "half");
  write(launch.directory + "/logs/a.log", "sorry");
  source_->on_failure(exit_of(job("out/a"), 1), false);
  EXPECT_EQ(content_of("logs/a.log"), "sorry");
  EXPECT_FALSE(exists("out/a"));
  EXPECT_FALSE(exists(launch.directory));
}

TEST_F(WorkflowSourceTest, AJobThatCannotStartKeepsItsOldOutputs) {
  write("a", "old");
  write("b", "old");
  ASSERT_TRUE(os::set_writable("b", false));
  plan({rule("a").output("a").output("b")}, {"a"});
  plan::Launch launch;
  EXPECT_FALSE(source_->before_start(job("a"), 1, launch));
  source_->on_failure(exit_of(job("a"), -1), false);
  EXPECT_EQ(content_of("a"), "old");
  EXPECT_EQ(content_of("b"), "old");
  EXPECT_EQ(record("a").phase, store::JobPhase::kFailed);
}

TEST_F(WorkflowSourceTest, OldOutputsStayUntilTheStartIsRecorded) {
  write("a", "old");
  plan({rule("a").output("a").shadow("shallow")}, {"a"});
  plan::Launch launch;
  ASSERT_TRUE(source_->before_start(job("a"), 1, launch));
  EXPECT_FALSE(exists(launch.directory + "/a"));
  EXPECT_EQ(content_of("a"), "old");
  ASSERT_TRUE(source_->commit());
  ASSERT_TRUE(source_->clear_outputs(job("a")));
  EXPECT_FALSE(exists("a"));
}

TEST_F(WorkflowSourceTest, TouchingRecordsWithoutRunningOrRemoving) {
  write("a", "content", 10);
  SourceOptions options;
  options.touch_only = true;
  plan({rule("a").output("a").shadow("minimal")}, {"a"}, options);
  const auto launch = start(job("a"));
  EXPECT_EQ(launch.directory, "");
  ASSERT_TRUE(succeed(exit_of(job("a"))));
  EXPECT_EQ(content_of("a"), "content");
  EXPECT_GT(os::status("a").mtime_ns, 1'100'000'000'000'000'000);
  EXPECT_EQ(record("a").phase, store::JobPhase::kFinished);
}

TEST_F(WorkflowSourceTest, WritesTheBenchmark) {
  plan({rule("a").output("a").benchmark("times/a.tsv")}, {"a"});
  start(job("a"));
  write("a");
  ASSERT_TRUE(succeed(exit_of(job("a"))));
  EXPECT_THAT(content_of("times/a.tsv"), HasSubstr("max_rss"));
}

}  // namespace
}  // namespace furrow::workflow
