#include "os/process/slurm_rank.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "os/files/files.hpp"

namespace furrow::os {
namespace {

// A process in the environment that srun gives a rank; `scancel` is a script that records its arguments.
class SlurmRankTest : public testing::Test {
 protected:
  SlurmRankTest() {
    folder_ = testing::TempDir() + "slurm-rank-XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + ":/usr/bin:/bin";
    EXPECT_TRUE(write_file(folder_ + "/scancel", "#!/bin/sh\necho \"$@\" > " + folder_ + "/told\n"));
    ::chmod((folder_ + "/scancel").c_str(), 0755);
  }
  ~SlurmRankTest() override {
    for (const char* name : {"/scancel", "/told", "/errors"}) ::unlink((folder_ + name).c_str());
    ::rmdir(folder_.c_str());
  }

  // The wait status of such a process that runs BODY.
  int run(
      const std::function<int(Supervisor*)>& body, const std::function<void()>& prepare = [] {}) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (const auto& [name, value] : {std::pair("SLURM_JOB_ID", "4711"),
                                        {"SLURM_STEP_ID", "2"},
                                        {"SLURM_STEP_NUM_TASKS", "3"},
                                        {"PMIX_RANK", "1"},
                                        {"SLURMD_NODENAME", "n7"},
                                        {"PATH", path_.c_str()}})
        ::setenv(name, value, 1);
      ::unsetenv("OMPI_COMM_WORLD_RANK");
      ::unsetenv("FURROW_KEPT_RANK");
      prepare();
      if (::freopen((folder_ + "/errors").c_str(), "w", stderr) == nullptr) ::_exit(98);
      ::_exit(body(supervise_slurm_rank()));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  }
  std::string read(const char* name) const { return read_file(folder_ + name).value_or(""); }

  std::string folder_{}, path_{};
};

int die(Supervisor* supervisor) {
  if (supervisor == nullptr) return 99;
  supervisor->enter(Supervisor::Stage::kNeeded);
  return ::raise(SIGKILL);
}

TEST_F(SlurmRankTest, ADeadRankEndsTheStepAndSaysSo) {
  EXPECT_EQ(WTERMSIG(run(die)), SIGKILL);
  EXPECT_EQ(read("/told"), "--ctld --signal=KILL 4711.2\n");
  EXPECT_EQ(read("/errors"),
            "furrow: rank 1 on n7 died by signal 9 (Killed): job step 4711.2 is ended, because the other "
            "ranks would "
            "wait for it forever\n");
}

TEST_F(SlurmRankTest, WithoutScancelItSaysWhatToDo) {
  path_ = "/nowhere";
  EXPECT_EQ(WTERMSIG(run(die)), SIGKILL);
  const std::string errors = read("/errors");
  EXPECT_NE(errors.find("End it with: scancel 4711.2"), std::string::npos) << errors;
  EXPECT_NE(errors.find("--kill-on-bad-exit=1"), std::string::npos) << errors;
}

TEST_F(SlurmRankTest, AnExitWithoutFinalizingIsADeath) {
  const int status = run([](Supervisor* supervisor) {
    supervisor->enter(Supervisor::Stage::kNeeded);
    return 0;
  });
  EXPECT_EQ(status, 0);
  EXPECT_NE(read("/errors").find("ended with exit code 0 without finalizing MPI"), std::string::npos);
  EXPECT_EQ(read("/told"), "--ctld --signal=KILL 4711.2\n");
}

TEST_F(SlurmRankTest, SaysNothingAboutARankThatFinalized) {
  const int status = run([](Supervisor* supervisor) {
    supervisor->enter(Supervisor::Stage::kNeeded);
    supervisor->enter(Supervisor::Stage::kOver);
    return 3;
  });
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_EQ(read("/errors") + read("/told"), "");
}

TEST_F(SlurmRankTest, StartsASupervisorOnlyForRanksOfSrun) {
  const auto is_left = [&](const std::function<void()>& prepare) {
    return run([](Supervisor* supervisor) { return supervisor == nullptr ? 0 : 1; }, prepare) != 0;
  };
  EXPECT_TRUE(is_left([] {}));
  EXPECT_FALSE(is_left([] { ::setenv("SLURM_STEP_NUM_TASKS", "1", 1); })) << "nobody waits for it";
  EXPECT_FALSE(is_left([] { ::unsetenv("PMIX_RANK"); })) << "not by PMIx";
  EXPECT_FALSE(is_left([] { ::unsetenv("SLURM_STEP_ID"); })) << "not by srun";
  EXPECT_FALSE(is_left([] { ::setenv("OMPI_COMM_WORLD_RANK", "1", 1); })) << "mpirun stands between";
  EXPECT_FALSE(is_left([] { ::setenv("FURROW_KEPT_RANK", "4711.2.1", 1); })) << "started by a rank";
}

TEST_F(SlurmRankTest, WithThreadsThereIsNoSupervisorAndChildrenNeedNone) {
  const int status =
      run([](Supervisor*) { return 1; },
          [] {
            std::thread([] { ::pause(); }).detach();
            const bool is_lacked = supervise_slurm_rank() == nullptr && lacks_supervisor();
            ::_exit(is_lacked && std::getenv("FURROW_KEPT_RANK") == std::string("4711.2.1") ? 0 : 1);
          });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(run([](Supervisor*) { return lacks_supervisor() ? 1 : 0; }), 0);
}

}  // namespace
}  // namespace furrow::os
