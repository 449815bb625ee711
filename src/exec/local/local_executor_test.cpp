#include "exec/local/local_executor.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "os/process/process.hpp"
#include "support/executor_contract.hpp"

namespace furrow {

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/furrow-test-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TemporaryFolder() { (void)os::remove_tree(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct LocalMade {
  TemporaryFolder temporary;
  os::EventLoop loop;
  std::unique_ptr<os::Watchdog> watchdog = std::move(*os::Watchdog::start({}));
  exec::LocalExecutor local{loop, watchdog.get(), nullptr, nullptr, {.scratch = temporary.path()}};
  plan::Executor& executor() { return local; }
  std::string folder() const { return temporary.path(); }
};

}  // namespace

namespace testing_support {
INSTANTIATE_TYPED_TEST_SUITE_P(Local, ExecutorContract, LocalMade);
}

namespace exec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::program;
using testing_support::shell;

struct Exits : plan::ExitListener {
  void on_exit(plan::Exit exit) override { all.push_back(std::move(exit)); }
  std::vector<plan::Exit> all;
};

struct RecordingSink : OutputSink {
  explicit RecordingSink(bool one) : one_stream(one) {}
  void show(const CapturedOutput& output) override {
    out.push_back(content(output.out));
    err.push_back(content(output.err));
  }
  bool is_one_stream() const override { return one_stream; }
  static std::string content(const CapturedStream& stream) {
    std::string text(static_cast<std::size_t>(stream.file_size), '\0');
    if (!text.empty()) {
      EXPECT_EQ(::pread(stream.file, text.data(), text.size(), 0), stream.file_size);
    }
    return text.append(stream.rest);
  }
  bool one_stream;
  std::vector<std::string> out, err;
};

// An evaluator whose answers the test decides.
struct FakeForks : plan::ForkService {
  ~FakeForks() override {
    for (const int fd : held) ::close(fd);
  }
  void set_fork_listener(Listener* the_listener) override { listener = the_listener; }
  void fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload, int out_fd,
                  int) override {
    tags.push_back(tag);
    slots.push_back(slot);
    payloads.push_back(payload);
    last_out = ::fcntl(out_fd, F_DUPFD_CLOEXEC, 3);  // it is only lent for the call
    held.push_back(last_out);
  }
  // Forks a child that leads its group and has entered itself in the watchdog's table, as the evaluator's do.
  int fork_sleeper(os::Watchdog* watchdog) {
    const int pid = ::fork();
    if (pid == 0) {
      ::setpgid(0, 0);
      if (watchdog != nullptr) watchdog->slot(slots.back()) = ::getpid();
      ::execlp("sleep", "sleep", "60", nullptr);
      ::_exit(127);
    }
    ::setpgid(pid, pid);
    return pid;
  }
  Listener* listener = nullptr;
  std::vector<std::uint64_t> tags;
  std::vector<std::uint32_t> slots;
  std::vector<std::string> payloads;
  int last_out = -1;
  std::vector<int> held;
};

plan::Launch fork_launch() {
  plan::Launch launch;
  launch.kind = plan::Launch::Kind::kFork;
  launch.payload = "the job";
  return launch;
}

class LocalExecutorTest : public ::testing::Test {
 protected:
  LocalExecutor& make(OutputSink* sink = nullptr, LocalOptions options = {}) {
    if (options.scratch.empty()) options.scratch = temporary.path();
    executor = std::make_unique<LocalExecutor>(loop, watchdog.get(), &forks, sink, options);
    executor->set_listener(&exits);
    return *executor;
  }
  void start(plan::Launch launch, plan::JobId job = 1) {
    executor->start({.job = job, .launch = std::move(launch)});
  }
  void finish() {
    run_loop_until([this] { return executor->running() == 0; });
    ASSERT_EQ(executor->running(), 0u);
  }
  void run_loop_until(const std::function<bool()>& holds) {
    for (const double end = os::monotonic_seconds() + 50; !holds() && os::monotonic_seconds() < end;)
      loop.run_once(0.05);
  }

  TemporaryFolder temporary;
  os::EventLoop loop;
  std::unique_ptr<os::Watchdog> watchdog = std::move(*os::Watchdog::start({}));
  FakeForks forks;
  Exits exits;
  std::unique_ptr<LocalExecutor> executor;
};

TEST_F(LocalExecutorTest, ShowsTheOutputOfEachJobByStream) {
  RecordingSink sink(false);
  make(&sink);
  for (plan::JobId job = 0; job < 3; ++job) start(shell("echo a; sleep 0.05; echo b; echo c >&2"), job);
  start(shell("true; true"), 3);
  finish();
  EXPECT_THAT(sink.out, ElementsAre("a\nb\n", "a\nb\n", "a\nb\n"));
  EXPECT_THAT(sink.err, ElementsAre("c\n", "c\n", "c\n"));
}

TEST_F(LocalExecutorTest, OneStreamKeepsTheOrderOfOutputAndErrors) {
  RecordingSink sink(true);
  make(&sink);
  start(shell("echo a; echo b >&2; echo c"));
  finish();
  EXPECT_THAT(sink.out, ElementsAre("a\nb\nc\n"));
}

TEST_F(LocalExecutorTest, AReusedCaptureFileIsEmpty) {
  RecordingSink sink(false);
  make(&sink);
  for (const char* word : {"long-first-word", "b"}) {
    start(shell(std::string("echo ") + word + " | cat"));
    finish();
  }
  EXPECT_THAT(sink.out, ElementsAre("long-first-word\n", "b\n"));
}

TEST_F(LocalExecutorTest, HandlesAHundredMegabytesOfOutput) {
  make();
  start(shell("head -c 100000000 /dev/zero | tr '\\0' x; echo end"));
  finish();
  ASSERT_EQ(exits.all.size(), 1u);
  EXPECT_TRUE(exits.all[0].ok());
  EXPECT_TRUE(
      exits.all[0].output.ends_with("xxx"
                                    "end\n"));
  EXPECT_TRUE(std::filesystem::is_empty(temporary.path()));
}

TEST_F(LocalExecutorTest, APlainCommandRunsWithoutAShell) {
  make();
  start(shell("ps -o ppid= -p 1"));  // any plain command will do
  start(shell("cat /proc/self/stat"));
  finish();
  ASSERT_EQ(exits.all.size(), 2u);
  int pid = 0, parent = 0;
  char state = 0;
  for (const plan::Exit& exit : exits.all) {
    if (std::sscanf(exit.output.c_str(), "%d (cat) %c %d", &pid, &state, &parent) == 3) break;
  }
  EXPECT_EQ(parent, ::getpid());
}

TEST_F(LocalExecutorTest, TheWatchdogKnowsEachAttemptUntilItEnds) {
  make();
  start(shell("ps -o pid=,pgid= -p $$; sleep 600"));
  run_loop_until([this] { return watchdog->slot(0) != 0; });  // the child enters itself
  const int pid = watchdog->slot(0);
  EXPECT_GT(pid, 1);
  EXPECT_EQ(::getpgid(pid), pid);
  executor->cancel_all(plan::Stop::kAtOnce);
  finish();
  EXPECT_EQ(watchdog->slot(0), 0);
}

TEST_F(LocalExecutorTest, ProgramsSeeDefaultSignals) {
  ::signal(SIGPIPE, SIG_IGN);
  make();
  sigset_t blocked, before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  start(program({"cat", "/proc/self/status"}));
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  finish();
  for (const char* set : {"SigBlk", "SigIgn", "SigCgt"}) {
    EXPECT_THAT(exits.all.at(0).output, HasSubstr(std::string(set) + ":\t0000000000000000\n"));
  }
}

TEST_F(LocalExecutorTest, ProgramsInheritNoDescriptor) {
  ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);  // the descriptors that this program was started with
  make();
  start(program({"ls", "/proc/self/fd"}));
  finish();
  EXPECT_EQ(exits.all.at(0).output, "0\n1\n2\n3\n");  // 3 is the folder that ls reads
}

TEST_F(LocalExecutorTest, EngineMemoryIsNotCountedAsTheJobs) {
  make();
  start(shell("ls -d /"), 1);  // smaller than this program
  // Larger than this program, sanitizers included; much more would take long to touch on a busy machine.
  start(program({"/usr/bin/python3", "-c", "x = b'x' * (150 << 20)"}), 2);
  finish();
  ASSERT_EQ(exits.all.size(), 2u);
  for (const plan::Exit& exit : exits.all) {
    const std::int64_t mb = exit.usage.max_rss_kb / 1024;
    EXPECT_TRUE(exit.job == 1 ? mb == 0 : mb >= 150 && mb < 200) << exit.job << ": " << mb;
  }
}

TEST_F(LocalExecutorTest, MeasuresThePeakOfAJobSmallerThanTheEngine) {
  make();
  std::vector<char> ballast(100 << 20, 'x');
  const std::string ready = temporary.path() + "/ready", go = temporary.path() + "/go";
  // It stays after its peak until the executor has surely looked.
  plan::Launch launch = program({"/usr/bin/python3", "-c",
                                 "import os, sys, time\nx = b'x' * (30 << 20)\ndel x\n"
                                 "open(sys.argv[1], 'w').close()\n"
                                 "while not os.path.exists(sys.argv[2]): time.sleep(0.01)",
                                 ready, go});
  launch.watch_memory = true;
  start(launch);
  run_loop_until([&] { return os::status(ready).exists(); });
  bool has_looked = false;
  loop.after(1.1, [&] { has_looked = true; });  // it looks at least once a second
  run_loop_until([&] { return has_looked; });
  ASSERT_TRUE(os::write_file(go, ""));
  finish();
  const std::int64_t mb = exits.all.at(0).usage.max_rss_kb / 1024;
  EXPECT_TRUE(mb >= 30 && mb < 70) << mb;
}

double own_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST_F(LocalExecutorTest, RunsThousandsOfTinyJobs) {
  constexpr plan::JobId kJobs = 3000;
  make();
  plan::JobId next = 0;
  const double begun = os::monotonic_seconds(), used = own_seconds();
  while (exits.all.size() < kJobs) {
    while (next < kJobs && executor->running() < 8) start(program({"/bin/true"}), next++);
    loop.run_once(1);
  }
  RecordProperty("us_per_job", std::to_string((os::monotonic_seconds() - begun) * 1e6 / kJobs));
  RecordProperty("own_cpu_us_per_job", std::to_string((own_seconds() - used) * 1e6 / kJobs));
  for (const plan::Exit& exit : exits.all) ASSERT_TRUE(exit.ok());
}

TEST_F(LocalExecutorTest, DescriptorsDoNotLeak) {
  make();
  const auto count = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  start(shell("true; true"));
  finish();
  const auto before = count();
  for (int i = 0; i < 50; ++i) {
    start(shell("echo x; (sleep 0.01) &"));
    start(program({"/no/such"}));
    start(shell("exit 3"));
    finish();
  }
  // A background process holds its pipe until it ends.
  run_loop_until([&] { return count() <= before + 4; });
  EXPECT_LE(count(), before + 4);  // some background processes may still hold a pipe
}

TEST_F(LocalExecutorTest, AForkEndsAsTheEvaluatorReports) {
  make();
  start(fork_launch());
  ASSERT_EQ(forks.tags.size(), 1u);
  EXPECT_EQ(forks.payloads[0], "the job");
  ASSERT_EQ(::write(forks.last_out, "printed\n", 8), 8);
  forks.listener->on_forked(forks.tags[0], 999999);
  forks.listener->on_fork_exit(forks.tags[0], 1 << 8, "NameError: x");
  finish();
  EXPECT_EQ(exits.all.at(0).status, 1);
  EXPECT_EQ(exits.all.at(0).error, "NameError: x");
  EXPECT_EQ(exits.all.at(0).output, "printed\n");
  forks.listener->on_fork_exit(forks.tags[0], 0, "");  // too late: the attempt was reported
  EXPECT_EQ(exits.all.size(), 1u);
}

TEST_F(LocalExecutorTest, AFailedForkFailsTheJob) {
  make();
  start(fork_launch());
  forks.listener->on_forked(forks.tags[0], fail("the evaluator is gone"));
  EXPECT_TRUE(exits.all.empty());
  finish();
  EXPECT_EQ(exits.all.at(0).error, "the evaluator is gone");
}

TEST_F(LocalExecutorTest, ACancelReachesAForkWithAnUnknownPid) {
  make();
  start(fork_launch());
  executor->cancel_all(plan::Stop::kGently);
  const int pid = forks.fork_sleeper(nullptr);
  forks.listener->on_forked(forks.tags[0], pid);
  const os::Ended ended = os::wait_for(pid);
  EXPECT_EQ(os::exit_signal(ended.raw_status), SIGTERM);
  forks.listener->on_fork_exit(forks.tags[0], ended.raw_status, "");
  finish();
  EXPECT_TRUE(exits.all.at(0).cancelled);
}

TEST_F(LocalExecutorTest, ACancelFindsAnUnansweredForkInTheWatchdogTable) {
  make();
  start(fork_launch());
  const int pid = forks.fork_sleeper(watchdog.get());
  while (watchdog->slot(forks.slots[0]) == 0) ::usleep(1000);
  executor->cancel_all(plan::Stop::kGently);
  finish();
  EXPECT_TRUE(exits.all.at(0).cancelled);
  EXPECT_EQ(os::exit_signal(os::wait_for(pid).raw_status), SIGTERM) << "it got the gentle signal";
}

TEST_F(LocalExecutorTest, AnUnansweredForkDoesNotDelayACancel) {
  make();
  start(fork_launch());
  executor->cancel_all(plan::Stop::kGently);
  finish();
  EXPECT_TRUE(exits.all.at(0).cancelled);
  EXPECT_FALSE(exits.all.at(0).ok());
  // Its slot is not used again. If the child does appear later, it is killed at once.
  start(fork_launch());
  EXPECT_NE(forks.slots[0], forks.slots[1]);
  const int pid = forks.fork_sleeper(nullptr);
  forks.listener->on_forked(forks.tags[0], pid);
  EXPECT_EQ(os::exit_signal(os::wait_for(pid).raw_status), SIGKILL);
}

TEST_F(LocalExecutorTest, ACancelAtOnceDoesNotWaitForTheGrace) {
  make(nullptr, {.grace_s = 3600});
  const std::string ready = temporary.path() + "/ready";
  start(shell("trap '' TERM; : > " + ready + "; while :; do sleep 1; done"));
  run_loop_until([&] { return os::status(ready).exists(); });
  executor->cancel_all(plan::Stop::kGently);
  executor->cancel_all(plan::Stop::kAtOnce);
  finish();
  EXPECT_EQ(exits.all.at(0).signal, SIGKILL);
}

TEST_F(LocalExecutorTest, UsesTheShellIfAnExportedFunctionHasTheName) {
  ::setenv("BASH_FUNC_ls%%", "() { echo my own ls; }", 1);
  make();
  ::unsetenv("BASH_FUNC_ls%%");
  start(shell("ls -d /"));
  finish();
  EXPECT_EQ(exits.all.at(0).output, "my own ls\n");
}

TEST_F(LocalExecutorTest, LongCommandsRunWithoutALastingFile) {
  make();
  start(shell("echo " + std::string(200 * 1024, 'x') + " | wc -c"));
  finish();
  EXPECT_EQ(exits.all.at(0).output, "204801\n");
  EXPECT_TRUE(std::filesystem::is_empty(temporary.path()));
}

TEST_F(LocalExecutorTest, WorksWithoutTheScratchFolder) {
  make(nullptr, {.scratch = "/no/such/folder"});
  start(shell("echo x | cat"));
  finish();
  EXPECT_EQ(exits.all.at(0).output, "x\n");
}

TEST_F(LocalExecutorTest, AJobOverTheMaximumFails) {
  make(nullptr, {.max_running = 1});
  start(shell("sleep 0.1"), 0);
  start(shell("sleep 0.1"), 1);
  while (exits.all.size() < 2) loop.run_once(1);
  EXPECT_THAT(exits.all[0].error, HasSubstr("too many"));
  EXPECT_TRUE(exits.all[1].ok());
}

TEST_F(LocalExecutorTest, AnyNumberOfJobsWithoutACommandMayRun) {
  make(nullptr, {.max_running = 1});
  for (plan::JobId job = 0; job < 20'000; ++job) start({}, job);
  EXPECT_EQ(executor->running(), 20'000u);
  finish();
  EXPECT_EQ(exits.all.size(), 20'000u);
  for (const plan::Exit& exit : exits.all) ASSERT_TRUE(exit.ok()) << exit.error;
}

TEST_F(LocalExecutorTest, TheDestructorEndsRunningJobs) {
  make();
  start(shell("sleep 600 & sleep 600"));
  const int pid = watchdog->slot(0);
  executor.reset();
  EXPECT_EQ(watchdog->slot(0), 0);
  run_loop_until([pid] { return os::living_groups({pid}).empty(); });
  EXPECT_TRUE(os::living_groups({pid}).empty());
  EXPECT_TRUE(exits.all.empty());
}

// --- the sink

class StandardOutputSinkTest : public ::testing::Test {
 protected:
  StandardOutputSinkTest() {
    file_ = ::open("/tmp", O_TMPFILE | O_RDWR, 0600);
    const std::string text(300000, 'y');
    EXPECT_EQ(::write(file_, text.data(), text.size()), 300000);
  }
  ~StandardOutputSinkTest() override { ::close(file_); }
  CapturedOutput output() const { return {.out = {.file = file_, .file_size = 300000}}; }
  int file_;
};

TEST_F(StandardOutputSinkTest, CopiesLongOutputToAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    StandardOutputSink(ends[1], 2).show(output());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::size_t total = 0;
  char buffer[1000];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) total += static_cast<std::size_t>(n);
  ::close(ends[0]);
  os::wait_for(child);
  EXPECT_EQ(total, 300000u);
}

TEST_F(StandardOutputSinkTest, AClosedReaderIsNotFatal) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  StandardOutputSink sink(ends[1], ends[1]);
  sink.show(output());
  EXPECT_TRUE(sink.is_one_stream());
  ::close(ends[1]);
  StandardOutputSink closed(ends[1], ends[1]);
  closed.show(output());
}

TEST_F(StandardOutputSinkTest, APendingSignalEndsTheWaitForASlowReader) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  sigset_t interrupt, before;
  ::sigemptyset(&interrupt);
  ::sigaddset(&interrupt, SIGINT);
  ::sigprocmask(SIG_BLOCK, &interrupt, &before);
  ::kill(::getpid(), SIGINT);
  StandardOutputSink(ends[1], ends[1]).show(output());  // would never return: nobody reads
  int signal = 0;
  ::sigwait(&interrupt, &signal);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace exec
}  // namespace furrow
