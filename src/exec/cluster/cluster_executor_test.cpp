#include "exec/cluster/cluster_executor.hpp"

#include <unistd.h>

#include <cstdlib>

#include "base/strings.hpp"
#include "exec/cluster/command_system.hpp"
#include "exec/cluster/slurm_system.hpp"
#include "support/executor_contract.hpp"
#include "support/temporary_folder.hpp"

namespace furrow {

namespace {

// The path of the command, which is built next to the test program's folder.
std::string furrow_program() {
  char path[4096] = "";
  if (::readlink("/proc/self/exe", path, sizeof path - 1) < 0) return {};
  std::string folder = os::parent_of(path);
  for (int i = 0; i < 4 && !os::status(folder + "/bin/furrow").exists(); ++i) folder = os::parent_of(folder);
  return folder + "/bin/furrow";
}

struct PlainNeeds : exec::NeedsSource {
  exec::ClusterNeeds needs(const plan::Attempt& attempt) override {
    exec::ClusterNeeds needs;
    needs.key = needs.name = "job" + std::to_string(attempt.job);
    needs.kind = "test";
    needs.identity = identity;
    needs.allocation.memory_mb = 50;
    return needs;
  }
  std::vector<Result<Words>> words(std::span<const plan::Attempt* const> attempts) override {
    return std::vector<Result<Words>>(attempts.size(), Words{submit, "{}"});
  }
  // Job 1 leads a group: each of `members` needs the job before it, those of `loners` need none.
  std::optional<exec::GroupNeeds> group(const plan::Attempt& attempt) override {
    if (attempt.job != 1 || members.size() + loners.size() == 0) return std::nullopt;
    exec::GroupNeeds group{"g", {}, {}};
    for (const std::string& command : members) {
      const auto index = static_cast<std::uint32_t>(group.members.size());
      plan::Attempt other{.job = index + 2, .launch = testing_support::shell(command)};
      exec::ClusterNeeds of_other = needs(other);
      group.members.push_back({std::move(other), std::move(of_other), {index}, {}});
    }
    for (const std::string& command : loners) {
      const auto index = static_cast<std::uint32_t>(group.members.size());
      plan::Attempt other{.job = index + 2, .launch = testing_support::shell(command)};
      exec::ClusterNeeds of_other = needs(other);
      group.members.push_back({std::move(other), std::move(of_other), {}, {}});
    }
    return group;
  }
  std::string submit;
  std::vector<std::string> members, loners;
  std::uint64_t identity = 1;
};

// A minimal batch system: a shell starts the script in the background. Each job is a process group, whose
// number is its name.
constexpr const char* kSubmit = "run() { setsid sh \"$1\" < /dev/null > /dev/null 2>&1 & echo $!; }; run";
constexpr const char* kStatus =
    "ask() { if kill -s 0 -- \"-$1\" 2> /dev/null; then echo running; else echo success; fi; }; ask";
constexpr const char* kCancel = "cancel() { for i in \"$@\"; do kill -s TERM -- \"-$i\"; done; }; cancel";

exec::ClusterOptions options(const std::string& folder) {
  exec::ClusterOptions options;
  options.spool = folder + "/batches";
  options.program = furrow_program();
  options.directory = folder;
  options.collect_s = 0.01;
  options.pause_s = 0.01;
  options.ask_first_s = 0.3;
  options.ask_most_s = 1;
  options.look_first_s = 0.02;
  options.look_most_s = 0.2;
  return options;
}

struct CommandMade {
  static constexpr bool kIsFar = true;
  support::TemporaryFolder temporary;
  os::EventLoop loop;
  PlainNeeds needs;
  std::unique_ptr<exec::ClusterExecutor> cluster = make();

  std::unique_ptr<exec::ClusterExecutor> make() {
    needs.submit = kSubmit;
    exec::ClusterOptions made = options(temporary.path());
    made.one_each = true;
    auto system = std::make_unique<exec::CommandSystem>(
        loop, exec::CommandOptions{
                  .submit = kSubmit, .status = kStatus, .cancel = kCancel, .statuses_per_s = 1000});
    return std::make_unique<exec::ClusterExecutor>(loop, std::move(system), needs, nullptr, std::move(made));
  }
  plan::Executor& executor() { return *cluster; }
  std::string folder() const { return temporary.path(); }
};

// Needs a real Slurm: tests/cluster starts one and runs this program with FURROW_TEST_SLURM.
struct SlurmMade {
  static constexpr bool kIsFar = true;
  support::TemporaryFolder temporary;
  os::EventLoop loop;
  PlainNeeds needs;
  exec::ClusterExecutor cluster{loop, std::make_unique<exec::SlurmSystem>(loop), needs, nullptr,
                                options(temporary.path())};
  plan::Executor& executor() { return cluster; }
  std::string folder() const { return temporary.path(); }
  std::string why_not() const {
    return std::getenv("FURROW_TEST_SLURM") ? "" : "no Slurm here; tests/cluster runs this with one";
  }
};

}  // namespace

namespace testing_support {
INSTANTIATE_TYPED_TEST_SUITE_P(Commands, ExecutorContract, CommandMade);
INSTANTIATE_TYPED_TEST_SUITE_P(Slurm, ExecutorContract, SlurmMade);
}  // namespace testing_support

namespace exec {
namespace {

using ::testing::HasSubstr;
using testing_support::shell;

class ClusterExecutorTest : public ::testing::Test, public plan::ExitListener {
 public:
  void on_exit(plan::Exit exit) override { exits.push_back(std::move(exit)); }

 protected:
  ClusterExecutorTest() { made.executor().set_listener(this); }
  void start(plan::JobId job, const std::string& command) {
    made.executor().start({.job = job, .number = 1, .launch = shell(command)});
  }
  void finish() {
    const double until = os::monotonic_seconds() + 30;
    while (made.executor().running() > 0 && os::monotonic_seconds() < until) made.loop.run_once(0.1);
    ASSERT_EQ(made.executor().running(), 0u);
  }
  void spin(double seconds) {
    const double until = os::monotonic_seconds() + seconds;
    while (os::monotonic_seconds() < until) made.loop.run_once(0.01);
  }
  // As if the engine had been killed and a new one started.
  void restart_engine() {
    made.cluster.reset();
    made.cluster = made.make();
    made.cluster->set_listener(this);
    made.cluster->adopt({});
  }
  plan::InFlightJobs::Answer look(std::uint64_t identity, std::int64_t newest_input_ns = 0) {
    return made.cluster->look({"job1", identity, {{"", newest_input_ns}}});
  }
  bool appears(const std::string& name) {
    for (int i = 0; i < 1000 && !os::status(made.folder() + "/" + name).exists(); ++i) spin(0.01);
    return os::status(made.folder() + "/" + name).exists();
  }

  CommandMade made;
  std::vector<plan::Exit> exits;
};

TEST_F(ClusterExecutorTest, ANewEngineWaitsForARunningJob) {
  start(1, "echo x >> begun; sleep 1; echo end");
  ASSERT_TRUE(appears("begun"));
  restart_engine();
  EXPECT_EQ(look(1), plan::InFlightJobs::Answer::kSame);
  start(1, "this command is not run");
  finish();
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_TRUE(exits[0].ok()) << exits[0].error;
  EXPECT_EQ(exits[0].output, "end\n");
  EXPECT_EQ(*os::read_file(made.folder() + "/begun"), "x\n");
}

TEST_F(ClusterExecutorTest, ANewEngineReadsTheEndOfAFinishedJob) {
  start(1, "echo x >> begun; sleep 0.1; touch end");
  ASSERT_TRUE(appears("begun"));
  made.cluster.reset();
  ASSERT_TRUE(appears("end"));
  spin(0.3);
  restart_engine();
  EXPECT_EQ(look(1), plan::InFlightJobs::Answer::kSame);
  start(1, "false");
  finish();
  EXPECT_TRUE(exits.at(0).ok());
}

TEST_F(ClusterExecutorTest, ARunningJobWithOtherCodeOrInputsBlocks) {
  start(1, "touch begun; sleep 1; touch end");
  ASSERT_TRUE(appears("begun"));
  restart_engine();
  EXPECT_EQ(look(2), plan::InFlightJobs::Answer::kOther);
  EXPECT_EQ(look(1, INT64_MAX), plan::InFlightJobs::Answer::kOther);
  EXPECT_THAT(made.cluster->describe("job1"), HasSubstr("cluster job "));
  ASSERT_TRUE(appears("end"));
  spin(0.3);
  EXPECT_EQ(look(2), plan::InFlightJobs::Answer::kNo) << "it has ended";
}

TEST_F(ClusterExecutorTest, AJobThatFailedUnderAnEarlierEngineRunsAgain) {
  start(1, "touch begun; exit 1");
  ASSERT_TRUE(appears("begun"));
  made.cluster.reset();
  spin(0.5);
  exits.clear();
  restart_engine();
  EXPECT_EQ(look(1), plan::InFlightJobs::Answer::kNo);
  start(1, "true");
  finish();
  EXPECT_TRUE(exits.at(0).ok());
}

TEST_F(ClusterExecutorTest, ABatchThatWasNeverSubmittedIsWithdrawn) {
  BatchSpool spool(made.folder() + "/batches");
  const BatchFolder folder = *spool.add();
  BatchSpec spec{.id = folder.id(), .directory = made.folder(), .jobs = {}};
  spec.jobs.push_back({.key = "job1", .name = "job1", .identity = 1, .launch = shell("touch never")});
  ASSERT_TRUE(write_batch_spec(folder.spec(0), spec));
  restart_engine();
  EXPECT_EQ(look(1), plan::InFlightJobs::Answer::kNo);
  // If a runner starts it after all, it finds the claim taken.
  EXPECT_EQ(std::system((shell_quote(furrow_program()) + " batch " + folder.path() + " 0").c_str()), 0);
  EXPECT_FALSE(os::status(made.folder() + "/never").exists());
}

TEST_F(ClusterExecutorTest, ARefusedSubmissionFailsItsJobsWithTheReason) {
  made.needs.submit = "echo 'the queue is closed' >&2; false";
  start(1, "true");
  finish();
  EXPECT_FALSE(exits.at(0).ok());
  EXPECT_THAT(exits[0].error, HasSubstr("the queue is closed"));
}

TEST_F(ClusterExecutorTest, AJobFailsIfItsBatchVanishes) {
  start(1, "touch begun; sleep 30");
  ASSERT_TRUE(appears("begun"));
  spin(0.3);
  const auto name = BatchSpool(made.folder() + "/batches").unsettled().at(0).submitted("cluster");
  ASSERT_EQ(std::system(("kill -s KILL -- -" + name).c_str()), 0);
  finish();
  EXPECT_FALSE(exits.at(0).ok());
  EXPECT_THAT(exits[0].error, HasSubstr("ended while the job ran"));
}

TEST_F(ClusterExecutorTest, GroupMembersRunInTheLeadersBatch) {
  made.needs.members = {"echo 2 >> ran; echo two", "echo 3 >> ran; echo three"};
  start(1, "echo 1 >> ran");
  start(2, "this command is not run");
  finish();
  EXPECT_EQ(exits.size(), 2u);
  ASSERT_TRUE(appears("ran"));
  spin(0.5);
  EXPECT_TRUE(made.cluster->has_succeeded("job3"));
  start(3, "this command is not run");
  finish();
  ASSERT_EQ(exits.size(), 3u);
  for (const plan::Exit& exit : exits) EXPECT_TRUE(exit.ok()) << exit.error;
  EXPECT_EQ(exits[2].output, "three\n");
  EXPECT_EQ(*os::read_file(made.folder() + "/ran"), "1\n2\n3\n");
  EXPECT_EQ(made.cluster->submissions(), 1u);
}

TEST_F(ClusterExecutorTest, AGroupMemberSkippedAfterAFailureRunsWhenStarted) {
  made.needs.members = {"exit 3", "touch never"};
  start(1, "true");
  start(2, "");
  finish();
  ASSERT_EQ(exits.size(), 2u);
  EXPECT_TRUE(exits[0].ok());
  EXPECT_EQ(exits[1].status, 3);
  EXPECT_FALSE(made.cluster->has_succeeded("job3"));
  start(3, "touch later");
  finish();
  EXPECT_TRUE(exits.at(2).ok());
  EXPECT_FALSE(os::status(made.folder() + "/never").exists());
  EXPECT_TRUE(os::status(made.folder() + "/later").exists());
}

TEST_F(ClusterExecutorTest, AFailureInAGroupIsReportedWhenAllHaveEnded) {
  made.needs.loners = {"sleep 1; touch slow"};
  start(1, "exit 4");
  start(2, "");
  while (exits.empty()) made.loop.run_once(0.1);
  EXPECT_TRUE(os::status(made.folder() + "/slow").exists());
  finish();
  ASSERT_EQ(exits.size(), 2u);
  EXPECT_EQ(exits[0].job, 2u);
  EXPECT_EQ(exits[1].status, 4);
}

TEST_F(ClusterExecutorTest, ANewEngineAdoptsAGroupDespiteItsNewerInputs) {
  made.needs.members = {"touch begun; sleep 1; echo 2 >> ran"};
  start(1, "true");
  ASSERT_TRUE(appears("begun"));
  restart_engine();
  const auto of_member = [&](const std::string& made_by) {
    return made.cluster->look({"job2", 1, {{made_by, INT64_MAX}}});
  };
  EXPECT_EQ(of_member("job1"), plan::InFlightJobs::Answer::kSame);
  EXPECT_EQ(of_member("job7"), plan::InFlightJobs::Answer::kOther);
  start(2, "echo again >> ran");
  finish();
  EXPECT_EQ(*os::read_file(made.folder() + "/ran"), "2\n");
}

TEST_F(ClusterExecutorTest, GroupMembersOfARefusedSubmissionAreForgotten) {
  made.needs.submit = "false";
  made.needs.members = {"touch never"};
  start(1, "true");
  finish();
  EXPECT_FALSE(exits.at(0).ok());
  made.needs.submit = kSubmit;
  made.needs.members = {};
  start(2, "touch later");
  finish();
  EXPECT_TRUE(exits.at(1).ok());
  EXPECT_TRUE(os::status(made.folder() + "/later").exists());
}

TEST_F(ClusterExecutorTest, ACancelReachesWaitingGroupMembers) {
  made.needs.members = {"touch never"};
  start(1, "true");
  start(2, "");
  made.cluster->cancel_all(plan::Stop::kGently);
  finish();
  ASSERT_EQ(exits.size(), 2u);
  EXPECT_TRUE(exits[0].cancelled && exits[1].cancelled);
}

TEST_F(ClusterExecutorTest, FinishRemovesAllFoldersButThoseOfFailures) {
  start(1, "true");
  start(2, "exit 1");
  finish();
  const BatchSpool spool(made.folder() + "/batches");
  EXPECT_EQ(spool.unsettled().size(), 2u);
  made.cluster->finish([](const std::string&) { return false; });
  EXPECT_EQ(spool.unsettled().size(), 0u);
  EXPECT_EQ(os::list_directory(made.folder() + "/batches")->size(), 1u);
}

}  // namespace
}  // namespace exec
}  // namespace furrow
