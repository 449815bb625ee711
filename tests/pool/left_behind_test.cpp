// When maps, Pools and programs end, nothing of their workers is left.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <ostream>
#include <set>
#include <string>

#include "contract.hpp"

namespace furrow::testing {
namespace {

std::vector<int> items(int count) {
  std::vector<int> made(static_cast<std::size_t>(count));
  std::iota(made.begin(), made.end(), 0);
  return made;
}

std::set<std::string> names_in(const char* folder) {
  std::set<std::string> names;
  DIR* const open = ::opendir(folder);
  if (!open) return names;
  while (const dirent* each = ::readdir(open)) names.insert(each->d_name);
  ::closedir(open);
  return names;
}

std::size_t open_descriptors() { return names_in("/proc/self/fd").size(); }

// The names of shared memory that a Pool may have made. Programs that run beside this test have their own: those of
// MPI, the command's tables of jobs, and the counters of other tests.
std::set<std::string> named_memory() {
  auto names = names_in("/dev/shm");
  std::erase_if(names, [](const std::string& name) {
    return name.find("furrow") == std::string::npos || name.starts_with("furrow-jobs-") ||
           name.starts_with("furrow-test-");
  });
  return names;
}

// The number of shared mappings of this process.
int shared_mappings() {
  int count = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) count += line.size() > 25 && line.find("s ") < 40;
  return count;
}

int twice(int x) { return 2 * x; }
int dies_at_five(int x) {
  if (x == 5) ::raise(SIGKILL);
  return x;
}

void use_every_path(Pool& pool) {
  pool.map(twice, items(50));
  pool.try_map(dies_at_five, items(10), {.retries = 1});
  pool.try_map(dies_at_five, items(10), {.standing = true});
  for (int y : pool.imap(twice, items(50))) static_cast<void>(y);
  static_cast<void>(*pool.imap(twice, items(5000)).begin());
  EXPECT_EQ(pool.apply(twice, 4), 8);
}

TEST(LeftBehind, HasNoDescriptorsSharedMemoryOrChildren) {
  use_every_path(*std::make_unique<Pool>(processes(2)));
  const auto descriptors = open_descriptors();
  const int mappings = shared_mappings();
  for (int i = 0; i < 5; ++i) {
    Pool pool{processes(2)};
    use_every_path(pool);
    use_every_path(pool);
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_EQ(shared_mappings(), mappings);
  EXPECT_EQ(named_memory(), std::set<std::string>{});
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(LeftBehind, HasNoDescriptorsOfEarlierWorkersInNewOnes) {
  Pool pool{processes(2), {.max_tasks_per_child = 1}};
  const auto counts =
      pool.map([](int) { return static_cast<int>(open_descriptors()); }, items(40), {.chunksize = 1});
  EXPECT_EQ(*std::max_element(counts.begin(), counts.end()), *std::min_element(counts.begin(), counts.end()));
}

// Programs that tasks have started.

constexpr const char* kProgram = "exec sleep 64321";

// The number of such programs that run.
int programs() {
  int count = 0;
  for (const std::string& each : names_in("/proc")) {
    std::ifstream file("/proc/" + each + "/cmdline", std::ios::binary);
    const std::string line((std::istreambuf_iterator<char>(file)), {});
    count += line == std::string(
                         "sleep\0"
                         "64321\0",
                         12);
  }
  return count;
}

bool programs_become(int count) {
  for (int waited = 0; waited < 20'000 && programs() != count; waited += 10) sleep_ms(10);
  return programs() == count;
}

TEST(LeftBehind, HasNoProgramOfATaskThatWasStopped) {
  Pool pool{processes(2)};
  const auto task = [](int) { return std::system(kProgram); };
  for (const bool standing : {false, true}) {
    const auto outcomes =
        pool.try_map(task, items(2), {.retries = 1, .timeout_s = 0.3, .standing = standing});
    EXPECT_EQ(outcomes[0].failure().kind, FailureKind::kTimeout);
    EXPECT_TRUE(programs_become(0)) << standing;
    const auto fails = [](int x) {
      if (x == 1) return std::system(kProgram);
      while (programs() == 0) sleep_ms(10);
      throw std::runtime_error("enough");
    };
    EXPECT_THROW(
        pool.map(fails, items(2), {.chunksize = 1, .on_error = OnError::kFailFast, .standing = standing}),
        std::runtime_error);
    EXPECT_TRUE(programs_become(0)) << standing;
  }
  // Of a program that was started by another one, and of a Pool inside a task.
  const auto deep = [](int) { return std::system("sh -c 'sleep 64321; true' & wait"); };
  const auto nested = [&](int x) { return Pool{processes(2)}.map(deep, std::vector<int>{x})[0]; };
  EXPECT_FALSE(pool.try_map(nested, items(1), {.timeout_s = 1})[0].ok());
  EXPECT_TRUE(programs_become(0));
}

// As a terminal does for Ctrl-C; or only the program is ended.
TEST(LeftBehind, HasNoProgramOfATaskOfAProgramThatWasEnded) {
  for (const int signal : {SIGINT, SIGKILL}) {
    const pid_t program = ::fork();
    if (program == 0) {
      ::setpgid(0, 0);
      Pool pool{processes(2)};
      pool.map([](int) { return std::system(kProgram); }, items(2), {.chunksize = 1});
      ::_exit(0);
    }
    ASSERT_TRUE(programs_become(2));
    ASSERT_EQ(::kill(signal == SIGINT ? -program : program, signal), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(program, &status, 0), program);
    EXPECT_TRUE(programs_become(0)) << signal;
  }
}

// What the program ignores, as under nohup, the programs of its tasks ignore too.
TEST(LeftBehind, KeepsAnIgnoredInterruptIgnored) {
  const auto before = ::signal(SIGINT, SIG_IGN);
  Pool pool{processes(1)};
  EXPECT_EQ(pool.map([](int) { return std::system("kill -INT $$; exit 3"); }, items(1))[0], 3 << 8);
  ::signal(SIGINT, before);
}

// A program that is ended in the middle of a map, by each of the usual signals.

enum class Way { kForked, kImap, kPersistent, kCalls, kNested };

void PrintTo(Way way, std::ostream* out) {
  constexpr const char* kWays[] = {"map", "imap", "persistent", "calls", "nested"};
  *out << kWays[static_cast<int>(way)];
}

struct End {
  const char* name;
  int signal;
  bool to_group;  // as a terminal does for Ctrl-C
};

void PrintTo(const End& end, std::ostream* out) { *out << end.name; }

class EndOfTheProgram : public ::testing::TestWithParam<std::tuple<Way, End>> {
 protected:
  static constexpr int kWorkers = 2;
  static constexpr std::size_t kPids = 64;
  SharedCounters pids{kPids};
  SharedCounters arrived{1};
};

// Global, so that tasks without captures find them.
const SharedCounters* the_pids = nullptr;
const SharedCounters* the_arrived = nullptr;

void note(int pid) { (*the_pids)[static_cast<std::size_t>((*the_arrived)[0]++)] = pid; }

int rest_for_long(int x) {
  note(::getpid());
  for (int i = 0; i < 600; ++i) sleep_ms(100);
  return x;
}

void use(Way way) {
  Pool pool{processes(2)};
  const auto xs = items(20);
  switch (way) {
    case Way::kForked:
      pool.map(rest_for_long, xs, {.chunksize = 1});
      return;
    case Way::kImap:
      for (int y : pool.imap(rest_for_long, xs, {.chunksize = 1})) static_cast<void>(y);
      return;
    case Way::kPersistent:
      pool.map(rest_for_long, xs, {.chunksize = 1, .standing = true});
      return;
    case Way::kCalls: {
      std::vector<Future<int>> futures;
      for (int x : xs) futures.push_back(pool.apply_async(rest_for_long, x));
      pool.wait();
      return;
    }
    case Way::kNested:
      pool.map(
          [](int x) {
            Pool inner{processes(2)};
            return inner.map(rest_for_long, std::vector<int>{x, x}, {.chunksize = 1})[0];
          },
          xs, {.chunksize = 1});
      return;
  }
}

// This process is a subreaper, so the program's orphaned children become its own. Waits until none is left;
// the time limit is only there to end the test.
bool all_end_within(int seconds) {
  for (int waited_ms = 0; waited_ms < 1000 * seconds; waited_ms += 5) {
    pid_t ended;
    while ((ended = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (ended < 0) return true;
    sleep_ms(5);
  }
  return false;
}

TEST_P(EndOfTheProgram, EndsTheWorkersSilently) {
  const auto& [way, end] = GetParam();
  the_pids = &pids;
  the_arrived = &arrived;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  char said[] = "/tmp/furrow-end-XXXXXX";
  const int log = ::mkstemp(said);
  ASSERT_GE(log, 0);
  const pid_t program = ::fork();
  if (program == 0) {
    ::setpgid(0, 0);
    ::dup2(log, 1);
    ::dup2(log, 2);
    use(way);
    ::_exit(0);
  }
  const int workers = way == Way::kNested ? 4 : kWorkers;
  for (int waited = 0; waited < 10'000 && arrived[0] < workers; ++waited) sleep_ms(1);
  ASSERT_GE(arrived[0], workers);
  ASSERT_EQ(::kill(end.to_group ? -program : program, end.signal), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(program, &status, 0), program);
  EXPECT_EQ(WIFSIGNALED(status) ? WTERMSIG(status) : 0, end.signal);
  EXPECT_TRUE(all_end_within(20)) << "workers are still running";
  struct stat text {};
  ::fstat(log, &text);
  EXPECT_EQ(text.st_size, 0) << "they wrote something: " << said;
  ::close(log);
  ::unlink(said);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

constexpr End kEnds[] = {{"killed", SIGKILL, false},
                         {"terminated", SIGTERM, false},
                         {"interrupted", SIGINT, true},
                         {"group_killed", SIGKILL, true},
                         {"hung_up", SIGHUP, true}};

std::string label(const ::testing::TestParamInfo<std::tuple<Way, End>>& each) {
  return ::testing::PrintToString(std::get<1>(each.param)) + "_in_" +
         ::testing::PrintToString(std::get<0>(each.param));
}

INSTANTIATE_TEST_SUITE_P(By, EndOfTheProgram,
                         ::testing::Combine(::testing::Values(Way::kForked, Way::kImap, Way::kPersistent,
                                                              Way::kCalls, Way::kNested),
                                            ::testing::ValuesIn(kEnds)),
                         label);

}  // namespace
}  // namespace furrow::testing
