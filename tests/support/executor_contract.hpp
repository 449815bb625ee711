// What every executor must do. The tests of an executor instantiate this suite with a class that makes one:
//
//   struct Made { os::EventLoop loop; ...; plan::Executor& executor(); };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Local, ExecutorContract, Made);
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "os/events/clock.hpp"
#include "os/events/event_loop.hpp"
#include "os/files/files.hpp"
#include "plan/executor.hpp"

namespace furrow::testing_support {

inline plan::Launch shell(std::string command) {
  plan::Launch launch;
  launch.kind = plan::Launch::Kind::kShell;
  launch.command = std::move(command);
  launch.prefix = "set -euo pipefail; ";
  launch.executable = "/bin/bash";
  return launch;
}

inline plan::Launch program(std::vector<std::string> argv) {
  plan::Launch launch;
  launch.kind = plan::Launch::Kind::kProgram;
  launch.argv = std::move(argv);
  return launch;
}

template <class Made>
class ExecutorContract : public ::testing::Test, public plan::ExitListener {
 public:
  void on_exit(plan::Exit exit) override {
    EXPECT_FALSE(inside_start_) << "exits must be reported from the loop, not inside start()";
    exits.push_back(std::move(exit));
  }

 protected:
  ExecutorContract() { made.executor().set_listener(this); }
  void SetUp() override {
    if constexpr (requires { made.why_not(); }) {
      if (const std::string why = made.why_not(); !why.empty()) GTEST_SKIP() << why;
    }
  }
  // Whether jobs run on another machine, where starting and ending them takes longer.
  static constexpr bool is_far() {
    if constexpr (requires { Made::kIsFar; }) return Made::kIsFar;
    return false;
  }

  void start(plan::JobId job, plan::Launch launch, double timeout_s = 0) {
    inside_start_ = true;
    made.executor().start({.job = job, .number = 1, .launch = std::move(launch), .timeout_s = timeout_s});
    inside_start_ = false;
  }
  // Runs the loop until no job runs, or until the time limit.
  void finish(double limit_s = is_far() ? 90 : 50) {
    const double until = os::monotonic_seconds() + limit_s;
    while (made.executor().running() > 0 && os::monotonic_seconds() < until) made.loop.run_once(0.1);
    ASSERT_EQ(made.executor().running(), 0u) << "still running after " << limit_s << " s";
  }
  void spin(double seconds) {
    const double until = os::monotonic_seconds() + seconds;
    while (os::monotonic_seconds() < until) made.loop.run_once(0.01);
  }
  plan::Exit run(plan::Launch launch, double timeout_s = 0) {
    exits.clear();
    start(1, std::move(launch), timeout_s);
    finish();
    EXPECT_EQ(exits.size(), 1u);
    return exits.empty() ? plan::Exit{} : exits.front();
  }
  // Whether a job's process has written something to the file within a while.
  bool appears(const std::string& path) {
    for (int i = 0; i < 3000; ++i) {
      if (os::status(path).size > 0) return true;
      spin(0.01);
    }
    return false;
  }

  Made made;
  std::vector<plan::Exit> exits;

 private:
  bool inside_start_ = false;
};
TYPED_TEST_SUITE_P(ExecutorContract);

TYPED_TEST_P(ExecutorContract, ReportsASuccessOnce) {
  const plan::Exit exit = this->run(shell("echo hello; echo world >&2"));
  EXPECT_TRUE(exit.ok());
  EXPECT_EQ(exit.job, 1u);
  EXPECT_EQ(exit.attempt, 1);
  EXPECT_THAT(exit.output,
              ::testing::AllOf(::testing::HasSubstr("hello\n"), ::testing::HasSubstr("world\n")));
  EXPECT_GT(exit.started_at, 1e9);
  EXPECT_GT(exit.usage.wall_s, 0);
  this->spin(0.05);
  EXPECT_EQ(this->exits.size(), 1u);
}

TYPED_TEST_P(ExecutorContract, SucceedsIfThereIsNothingToRun) { EXPECT_TRUE(this->run(plan::Launch{}).ok()); }

TYPED_TEST_P(ExecutorContract, ReportsExitCodesAndSignals) {
  EXPECT_EQ(this->run(shell("exit 7")).status, 7);
  const plan::Exit killed = this->run(shell("kill -SEGV $$"));
  EXPECT_EQ(killed.status, -1);
  EXPECT_EQ(killed.signal, SIGSEGV);
  EXPECT_FALSE(killed.ok());
  EXPECT_FALSE(killed.cancelled);
}

TYPED_TEST_P(ExecutorContract, RunsThePrefixBeforeTheCommand) {
  EXPECT_EQ(this->run(shell("false; echo not here")).status, 1);
  EXPECT_NE(this->run(shell("echo $unset_variable_")).status, 0);
}

TYPED_TEST_P(ExecutorContract, RunsAPlainCommand) {
  const plan::Exit exit = this->run(shell("ls -d /"));
  EXPECT_TRUE(exit.ok());
  EXPECT_EQ(exit.output, "/\n");
}

TYPED_TEST_P(ExecutorContract, NamesAMissingProgram) {
  const plan::Exit plain = this->run(shell("no-such-program-xyz a b"));
  EXPECT_EQ(plain.status, 127);
  EXPECT_THAT(plain.output, ::testing::HasSubstr("no-such-program-xyz: command not found"));
  const plan::Exit direct = this->run(program({"no-such-program-xyz"}));
  EXPECT_FALSE(direct.ok());
  EXPECT_EQ(direct.status, -1);
  EXPECT_THAT(direct.error, ::testing::HasSubstr("no-such-program-xyz"));
  EXPECT_THAT(this->run(program({"/no/such/program"})).error, ::testing::HasSubstr("No such file"));
}

TYPED_TEST_P(ExecutorContract, GivesJobsAnEmptyStandardInput) {
  EXPECT_EQ(this->run(shell("cat; echo end")).output, "end\n");
}

TYPED_TEST_P(ExecutorContract, SetsTheEnvironmentAndFolderOfAJob) {
  plan::Launch launch = shell("echo $FURROW_TEST_VALUE $HOME; pwd; echo $PWD");
  launch.environment = {{"FURROW_TEST_VALUE", "a b"}, {"HOME", "/nowhere"}};
  launch.directory = "/usr";
  EXPECT_EQ(this->run(launch).output, "a b /nowhere\n/usr\n/usr\n");
  launch = shell("echo ${HOME-none} ${PATH:+there}");
  launch.removed = {"HOME"};
  EXPECT_EQ(this->run(launch).output, "none there\n");
  EXPECT_NE(this->run(shell("echo ${HOME-none}")).output, "none\n") << "only for that job";
  launch = program({"pwd"});
  launch.directory = "/no/such/folder";
  EXPECT_THAT(this->run(launch).error, ::testing::HasSubstr("/no/such/folder"));
}

TYPED_TEST_P(ExecutorContract, RunsAVeryLongCommand) {
  const std::string text(3'000'000, 'y');
  EXPECT_EQ(this->run(shell("x='" + text + "'; echo ${#x}")).output, "3000000\n");
  std::vector<std::string> argv{"/bin/echo"};
  argv.emplace_back(200 * 1024, 'x');
  EXPECT_THAT(this->run(program(argv)).error, ::testing::HasSubstr("too long"));
}

TYPED_TEST_P(ExecutorContract, KeepsTheEndOfALongOutput) {
  const plan::Exit exit = this->run(shell("seq 1 200000; echo the end"));
  EXPECT_TRUE(exit.ok());
  EXPECT_EQ(exit.output.size(), plan::kKeptOutput);
  EXPECT_TRUE(exit.output.ends_with("200000\nthe end\n"));
}

TYPED_TEST_P(ExecutorContract, RunsSeveralJobsAtOnce) {
  // A job ends only when all have begun. A batch system may have too few cores for that.
  const std::string folder = this->made.folder() + "/begun", all = this->is_far() ? "1" : "8";
  for (plan::JobId job = 0; job < 8; ++job) {
    const std::string number = std::to_string(job);
    this->start(job, shell("mkdir -p " + folder + "/" + number + "; until [ $(ls " + folder +
                           " | wc -l) -ge " + all + " ]; do sleep 0.01; done; exit " + number));
  }
  EXPECT_EQ(this->made.executor().running(), 8u);
  this->finish();
  ASSERT_EQ(this->exits.size(), 8u);
  for (const plan::Exit& exit : this->exits) EXPECT_EQ(exit.status, static_cast<int>(exit.job));
}

TYPED_TEST_P(ExecutorContract, EndsAnAttemptAtItsTimeout) {
  const plan::Exit exit = this->run(shell("sleep 600"), 0.1);
  EXPECT_TRUE(exit.timed_out);
  EXPECT_FALSE(exit.cancelled);
  EXPECT_FALSE(exit.ok());
  EXPECT_FALSE(this->run(shell("true"), 600).timed_out);
}

TYPED_TEST_P(ExecutorContract, LetsAJobCleanUpWhenCancelledGently) {
  const std::string done = this->made.folder() + "/tidied", ready = this->made.folder() + "/ready";
  // The signal may reach `sleep` first, whose failure must not end the shell.
  this->start(1, shell("trap 'echo x > " + done + "; exit 3' TERM; echo x > " + ready +
                       "; while :; do sleep 0.01 || :; done"));
  ASSERT_TRUE(this->appears(ready));
  this->made.executor().cancel_all(plan::Stop::kGently);
  this->finish();
  EXPECT_TRUE(os::status(done).exists());
  EXPECT_TRUE(this->exits.at(0).cancelled);
  EXPECT_EQ(this->exits.at(0).status, 3);
}

TYPED_TEST_P(ExecutorContract, KillsJobsThatIgnoreACancel) {
  for (plan::JobId job = 0; job < 5; ++job) {
    this->start(job, shell("trap '' TERM INT HUP; echo x > " + this->made.folder() + "/" +
                           std::to_string(job) + "; while :; do sleep 1; done"));
  }
  for (plan::JobId job = 0; job < 5; ++job)
    ASSERT_TRUE(this->appears(this->made.folder() + "/" + std::to_string(job)));
  this->made.executor().cancel_all(plan::Stop::kGently);
  this->finish();
  for (const plan::Exit& exit : this->exits) EXPECT_TRUE(exit.cancelled && !exit.ok());
  EXPECT_EQ(this->exits.size(), 5u);
}

TYPED_TEST_P(ExecutorContract, CancelsAtOnceAfterAGentleCancel) {
  const std::string ready = this->made.folder() + "/ready";
  this->start(1, shell("trap '' TERM; echo x > " + ready + "; while :; do sleep 1; done"));
  ASSERT_TRUE(this->appears(ready));
  this->made.executor().cancel_all(plan::Stop::kGently);
  this->made.executor().cancel_all(plan::Stop::kAtOnce);
  this->finish();
  EXPECT_TRUE(this->exits.at(0).cancelled);
  if (!this->is_far()) {
    EXPECT_EQ(this->exits.at(0).signal, SIGKILL);
  }
}

TYPED_TEST_P(ExecutorContract, EndsGrandchildrenOfACancelledJob) {
  const std::string beat = this->made.folder() + "/beat";
  this->start(1, shell("(trap '' TERM; while :; do echo x >> " + beat + "; sleep 0.01; done) & wait"));
  ASSERT_TRUE(this->appears(beat));
  this->made.executor().cancel_all(plan::Stop::kGently);
  this->finish();
  const std::int64_t size = os::status(beat).size;
  this->spin(0.1);
  EXPECT_EQ(os::status(beat).size, size) << "something of the job still runs";
}

TYPED_TEST_P(ExecutorContract, EndsGrandchildrenOfAFailedJob) {
  const std::string beat = this->made.folder() + "/beat";
  const plan::Exit exit =
      this->run(shell("(while :; do echo x >> " + beat + "; sleep 0.01; done) & while [ ! -s " + beat +
                      " ]; do sleep 0.01; done; exit 4"));
  EXPECT_EQ(exit.status, 4);
  const std::int64_t size = os::status(beat).size;
  this->spin(0.1);
  EXPECT_EQ(os::status(beat).size, size) << "something of the job still runs";
}

TYPED_TEST_P(ExecutorContract, DoesNotWaitForBackgroundProcessesOfASuccess) {
  const std::string pid = this->made.folder() + "/pid";
  EXPECT_TRUE(this->run(shell("sleep 600 & echo $! > " + pid + "; echo first")).ok());
  ::kill(std::stoi(*os::read_file(pid)), SIGKILL);
  // What the background process still prints must not appear in the next job's output.
  EXPECT_TRUE(this->run(shell("(sleep 0.2; echo stray) & echo second")).ok());
  EXPECT_EQ(this->run(shell("sleep 0.4; echo third")).output, "third\n");
}

TYPED_TEST_P(ExecutorContract, DeletesTheScratchFile) {
  plan::Launch launch = shell("cat " + this->made.folder() + "/payload");
  launch.scratch = this->made.folder() + "/payload";
  ASSERT_TRUE(os::write_file(launch.scratch, "content"));
  EXPECT_EQ(this->run(launch).output, "content");
  EXPECT_FALSE(os::status(launch.scratch).exists());
}

REGISTER_TYPED_TEST_SUITE_P(ExecutorContract, ReportsASuccessOnce, SucceedsIfThereIsNothingToRun,
                            ReportsExitCodesAndSignals, RunsThePrefixBeforeTheCommand, RunsAPlainCommand,
                            NamesAMissingProgram, GivesJobsAnEmptyStandardInput,
                            SetsTheEnvironmentAndFolderOfAJob, RunsAVeryLongCommand, KeepsTheEndOfALongOutput,
                            RunsSeveralJobsAtOnce, EndsAnAttemptAtItsTimeout,
                            LetsAJobCleanUpWhenCancelledGently, KillsJobsThatIgnoreACancel,
                            CancelsAtOnceAfterAGentleCancel, EndsGrandchildrenOfACancelledJob,
                            EndsGrandchildrenOfAFailedJob, DoesNotWaitForBackgroundProcessesOfASuccess,
                            DeletesTheScratchFile);

}  // namespace furrow::testing_support
