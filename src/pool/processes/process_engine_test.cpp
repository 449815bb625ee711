#include "furrow/pool.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>

#include "furrow/shared_array.hpp"

namespace furrow {
namespace {

// A test that hangs is killed after a while, so that the output shows which it was.
class Processes : public ::testing::Test {
 protected:
  void SetUp() override { ::alarm(30); }
  void TearDown() override { ::alarm(0); }
};

std::vector<int> numbers(int count) {
  std::vector<int> made(static_cast<std::size_t>(count));
  std::iota(made.begin(), made.end(), 0);
  return made;
}

TEST_F(Processes, MapInOrder) {
  Pool pool(processes(3));
  const auto xs = numbers(10'000);
  const auto ys = pool.map([](int x) { return 3 * x + 1; }, xs);
  ASSERT_EQ(ys.size(), xs.size());
  for (int x : xs) ASSERT_EQ(ys[static_cast<std::size_t>(x)], 3 * x + 1);
}

TEST_F(Processes, RunTasksInOtherProcesses) {
  Pool pool(processes(2));
  for (int pid : pool.map([](int) { return static_cast<int>(::getpid()); }, numbers(20)))
    EXPECT_NE(pid, ::getpid());
}

TEST_F(Processes, SeeCapturesByReferenceAsTheyAreAtTheCall) {
  Pool pool(processes(2));
  int offset = 1;
  offset = 100;
  EXPECT_EQ(pool.map([&](int x) { return x + offset; }, numbers(3)), (std::vector<int>{100, 101, 102}));
  offset = 200;
  EXPECT_EQ(pool.map([&](int x) { return x + offset; }, numbers(2)), (std::vector<int>{200, 201}));
}

TEST_F(Processes, ReturnStringsAndVectors) {
  Pool pool(processes(2));
  const auto texts =
      pool.map([](int x) { return std::string(static_cast<std::size_t>(x) * 1000, 'x'); }, numbers(100));
  for (std::size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(texts[i].size(), i * 1000);
  const auto big = pool.map([](int x) { return std::vector<int>(3'000'000, x); }, numbers(3));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(big[static_cast<std::size_t>(i)], std::vector<int>(3'000'000, i));
}

struct Large {
  double values[200'000];
};

TEST_F(Processes, ReturnPlainResultsLargerThanTheRing) {
  Pool pool(processes(2));
  const auto made = pool.map(
      [](int x) {
        Large large;
        for (double& each : large.values) each = x;
        return large;
      },
      numbers(4));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(made[static_cast<std::size_t>(i)].values[0], i);
    EXPECT_EQ(made[static_cast<std::size_t>(i)].values[199'999], i);
  }
}

TEST_F(Processes, MapToBoolsAndMapNothing) {
  Pool pool(processes(2));
  EXPECT_EQ(pool.map([](int x) { return x % 2 == 0; }, numbers(3)), (std::vector<bool>{true, false, true}));
  EXPECT_TRUE(pool.map([](int x) { return x; }, numbers(0)).empty());
  pool.for_each([](int) {}, numbers(1000));
}

TEST_F(Processes, ExceptionsKeepTypeMessageAndIndex) {
  Pool pool(processes(2));
  const auto outcomes = pool.try_map(
      [](int x) {
        if (x % 10 == 3) throw std::out_of_range("no " + std::to_string(x));
        return x;
      },
      numbers(100));
  for (int i = 0; i < 100; ++i) {
    const auto& each = outcomes[static_cast<std::size_t>(i)];
    if (i % 10 != 3) {
      ASSERT_TRUE(each.ok()) << i << each.failure().message;
      ASSERT_EQ(each.value(), i);
      continue;
    }
    ASSERT_FALSE(each.ok());
    EXPECT_EQ(each.failure().index, static_cast<std::uint64_t>(i));
    EXPECT_THROW(each.value(), std::out_of_range);
    EXPECT_EQ(each.failure().message, "no " + std::to_string(i));
  }
}

TEST_F(Processes, LoseOnlyTheItemWhoseWorkerDied) {
  for (const std::size_t chunksize : {0, 1, 7, 50}) {
    Pool pool(processes(2));
    const auto outcomes = pool.try_map(
        [](int x) {
          if (x == 37) ::raise(SIGKILL);
          if (x == 71) ::_exit(3);
          return x * 2;
        },
        numbers(100), {.chunksize = chunksize});
    for (int i = 0; i < 100; ++i) {
      const auto& each = outcomes[static_cast<std::size_t>(i)];
      if (i == 37) {
        EXPECT_EQ(each.failure().kind, FailureKind::kDied);
        EXPECT_EQ(each.failure().signal, SIGKILL);
      } else if (i == 71) {
        EXPECT_EQ(each.failure().exit_status, 3);
      } else {
        ASSERT_TRUE(each.ok()) << i << ": " << each.failure().message;
        ASSERT_EQ(each.value(), 2 * i);
      }
    }
  }
}

TEST_F(Processes, LoseOnlyThatItemAmongEncodedAndEmptyResults) {
  Pool pool(processes(2));
  const auto texts = pool.try_map(
      [](int x) {
        if (x == 37) std::abort();
        return std::to_string(x);
      },
      numbers(100), {.chunksize = 10});
  for (int i = 0; i < 100; ++i) {
    const auto& each = texts[static_cast<std::size_t>(i)];
    ASSERT_EQ(each.ok(), i != 37) << i;
    if (each.ok()) {
      ASSERT_EQ(each.value(), std::to_string(i));
    }
  }
  const auto done = pool.try_map(
      [](int x) {
        if (x == 11) std::exit(5);
      },
      numbers(40), {.chunksize = 10});
  for (int i = 0; i < 40; ++i) ASSERT_EQ(done[static_cast<std::size_t>(i)].ok(), i != 11) << i;
  EXPECT_EQ(done[11].failure().exit_status, 5);
}

// The workers write large numbers of results straight into this process's memory.
TEST_F(Processes, RetryOnlyThatItemAmongManyPlainResults) {
  constexpr int kMany = 1'000'000;
  Pool pool(processes(2));
  shared_array<std::atomic<std::uint8_t>> runs(kMany);
  const auto out = pool.map(
      [&](int x) {
        const bool first = runs[static_cast<std::size_t>(x)].fetch_add(1) == 0;
        if (first && x % 100'000 == 77'777) ::raise(SIGKILL);
        return x + 1;
      },
      numbers(kMany), {.retries = 1});
  for (int x = 0; x < kMany; ++x) {
    ASSERT_EQ(out[static_cast<std::size_t>(x)], x + 1);
    ASSERT_EQ(runs[static_cast<std::size_t>(x)], x % 100'000 == 77'777 ? 2 : 1) << x;
  }
}

void forbid_writing_to_other_processes() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    throw std::runtime_error("no seccomp here");
}

TEST_F(Processes, ReturnResultsIfTheSystemForbidsWritingToAProcess) {
  constexpr int kMany = 300'000;
  Pool pool(processes(2), {.initializer = forbid_writing_to_other_processes});
  std::vector<int> out(kMany);
  pool.map_into(
      out, [](int x) { return 2 * x; }, numbers(kMany));
  for (int x = 0; x < kMany; ++x) ASSERT_EQ(out[static_cast<std::size_t>(x)], 2 * x);
}

TEST_F(Processes, EndAMapThatCrashesOnEveryItem) {
  Pool pool(processes(2));
  const auto outcomes = pool.try_map([](int) { ::raise(SIGKILL); }, numbers(60));
  for (const auto& each : outcomes) EXPECT_EQ(each.failure().kind, FailureKind::kDied);
}

TEST_F(Processes, RetryAfterADeathAndAnException) {
  Pool pool(processes(2));
  // The tries are counted in a file, since a worker's own memory goes with it.
  char name[] = "/tmp/furrow-retry-XXXXXX";
  const int fd = ::mkstemp(name);
  ::unlink(name);
  const auto ys = pool.map(
      [&](int x) {
        if (x == 5) {
          char mark = 'x';
          (void)!::write(fd, &mark, 1);
          const auto tries = ::lseek(fd, 0, SEEK_END);
          if (tries == 1) ::raise(SIGKILL);
          if (tries == 2) throw std::runtime_error("again");
        }
        return x;
      },
      numbers(20), {.retries = 2});
  EXPECT_EQ(ys, numbers(20));
  EXPECT_EQ(::lseek(fd, 0, SEEK_END), 3);
  ::close(fd);
}

TEST_F(Processes, StopATaskAtItsTimeout) {
  Pool pool(processes(2));
  const auto outcomes = pool.try_map(
      [](int x) {
        if (x == 4) ::pause();
        return x;
      },
      numbers(10), {.timeout_s = 0.2});
  for (int i = 0; i < 10; ++i) {
    const auto& each = outcomes[static_cast<std::size_t>(i)];
    ASSERT_EQ(each.ok(), i != 4) << i;
  }
  EXPECT_EQ(outcomes[4].failure().kind, FailureKind::kTimeout);
}

TEST_F(Processes, ReduceToTheSameBitsAsSerial) {
  Pool pool(processes(3));
  Pool one(serial());
  std::vector<double> xs(20'001);
  for (std::size_t i = 0; i < xs.size(); ++i) xs[i] = 1.0 / static_cast<double>(i + 1);
  const auto square = [](double x) { return x * x; };
  EXPECT_EQ(pool.map_reduce(square, std::plus<>{}, xs), one.map_reduce(square, std::plus<>{}, xs));
}

TEST_F(Processes, RefuseToForkWhileThreadsRun) {
  Pool pool(processes(2));
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) std::this_thread::yield();
  });
  EXPECT_THROW(pool.map([](int x) { return x; }, numbers(3)), PoolError);
  EXPECT_EQ(pool.map([](int x) { return x; }, numbers(3), {.threads_are_safe = true}), numbers(3));
  stop = true;
  other.join();
  EXPECT_EQ(pool.map([](int x) { return x; }, numbers(3)), numbers(3));
}

TEST_F(Processes, RefuseResultsThatAreViews) {
  Pool pool(processes(2));
  static int there = 0;
  EXPECT_THROW(pool.map([](int) { return &there; }, numbers(3)), PoolError);
}

TEST_F(Processes, FailTheMapIfTheInitializerThrows) {
  Pool pool(processes(2), {.initializer = [] { throw std::runtime_error("no data"); }});
  try {
    pool.map([](int x) { return x; }, numbers(3));
    FAIL();
  } catch (const PoolError& error) {
    EXPECT_NE(std::string(error.what()).find("no data"), std::string::npos) << error.what();
  }
}

TEST_F(Processes, ReplaceWorkersAfterMaxTasksPerChild) {
  Pool pool(processes(2), {.max_tasks_per_child = 3});
  auto pids = pool.map([](int) { return static_cast<int>(::getpid()); }, numbers(20), {.chunksize = 1});
  for (int pid : pids) EXPECT_LE(std::count(pids.begin(), pids.end(), pid), 3);
}

TEST_F(Processes, AllowPoolsInsideTasks) {
  Pool pool(processes(2));
  const auto sums = pool.map(
      [](int x) {
        Pool inner(processes(2));
        const auto ys = inner.map([x](int y) { return x * y; }, numbers(10));
        return std::accumulate(ys.begin(), ys.end(), 0);
      },
      numbers(6));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(sums[static_cast<std::size_t>(i)], 45 * i);
  const auto same = pool.map(
      [&](int x) {
        const auto ys = pool.map([x](int y) { return x * y; }, numbers(10));
        return std::accumulate(ys.begin(), ys.end(), 0);
      },
      numbers(6));
  EXPECT_EQ(same, sums);
}

TEST_F(Processes, StopRunningTasksOnFailFast) {
  Pool pool(processes(2));
  EXPECT_THROW(pool.for_each(
                   [](int x) {
                     if (x == 0) throw std::logic_error("first");
                     for (;;) ::pause();
                   },
                   numbers(2), {.chunksize = 1, .on_error = OnError::kFailFast}),
               std::logic_error);
}

TEST_F(Processes, EndWithoutOrphans) {
  {
    Pool pool(processes(2));
    pool.map([](int x) { return x; }, numbers(10));
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(Processes, StreamInOrderAndUnordered) {
  Pool pool(processes(2));
  int expected = 0;
  for (int y : pool.imap([](int x) { return 2 * x; }, numbers(5000))) ASSERT_EQ(y, 2 * expected++);
  EXPECT_EQ(expected, 5000);
  std::vector<std::string> all;
  for (const std::string& y : pool.imap_unordered([](int x) { return std::to_string(x); }, numbers(500)))
    all.push_back(y);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); });
  ASSERT_EQ(all.size(), 500u);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(all[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(Processes, ContinueAStreamAfterDeathsAndErrors) {
  Pool pool(processes(2));
  for (const std::size_t chunksize : {0, 1, 5}) {
    auto range = pool.imap(
        [](int x) {
          if (x == 20) ::raise(SIGSEGV);
          if (x == 30) throw std::invalid_argument("thirty");
          return x;
        },
        numbers(60), {.chunksize = chunksize});
    int seen = 0, died = 0, threw = 0;
    const auto guarded = [&](auto&& step) {
      try {
        step();
        return true;
      } catch (const WorkerDied& error) {
        EXPECT_EQ(error.index(), 20u);
        EXPECT_EQ(error.signal(), SIGSEGV);
        ++died;
      } catch (const std::invalid_argument&) {
        EXPECT_EQ(range.index(), 30u);
        ++threw;
      }
      return false;
    };
    auto at = range.begin();
    bool good = true;
    while (at != range.end()) {
      if (good) {
        ASSERT_EQ(*at, static_cast<int>(range.index()));
      }
      seen += good;
      good = guarded([&] { ++at; });
    }
    EXPECT_EQ(seen, 58);
    EXPECT_EQ(died, 1);
    EXPECT_EQ(threw, 1);
  }
}

TEST_F(Processes, StreamLargeInputsAndResults) {
  Pool pool(processes(2));
  std::vector<std::vector<int>> inputs;
  for (int i = 0; i < 6; ++i) inputs.emplace_back(1'000'000, i);
  int i = 0;
  for (const auto& back : pool.imap([](const std::vector<int>& v) { return v; }, inputs))
    ASSERT_EQ(back, inputs[static_cast<std::size_t>(i++)]);
  EXPECT_EQ(i, 6);
}

TEST_F(Processes, AllowAStreamToBeDropped) {
  Pool pool(processes(2));
  {
    auto range = pool.imap([](int x) { return x; }, numbers(100'000));
    EXPECT_EQ(*range.begin(), 0);
  }
  {
    auto range = pool.imap(
        [](int x) {
          if (x > 0) ::sleep(20);
          return x;
        },
        numbers(10));
    EXPECT_EQ(*range.begin(), 0);
  }
}

int triple(int x) { return 3 * x; }

TEST_F(Processes, ReturnTheResultsOfCalls) {
  Pool pool(processes(2));
  auto one = pool.apply_async([](int x, int y) { return x - y; }, 7, 3);
  auto two = pool.apply_async(&triple, 5);
  auto three = pool.apply_async(
      furrow::bind([](const std::string& s, int n) { return s + std::to_string(n); }, std::string("n")), 4);
  auto none = pool.apply_async([] {});
  EXPECT_EQ(one.get(), 4);
  EXPECT_EQ(two.get(), 15);
  EXPECT_EQ(three.get(), "n4");
  none.get();
  EXPECT_THROW(pool.apply([] { throw std::range_error("far"); }), std::range_error);
}

TEST_F(Processes, RunManyCallsThatWereNotWaitedFor) {
  Pool pool(processes(2));
  std::vector<Future<int>> futures;
  for (int i = 0; i < 50'000; ++i) futures.push_back(pool.apply_async([](int x) { return x + 1; }, i));
  for (int i = 0; i < 50'000; ++i) ASSERT_EQ(futures[static_cast<std::size_t>(i)].get(), i + 1);
}

TEST_F(Processes, RefuseCallsThatCannotBeSent) {
  Pool pool(processes(2));
  int offset = 1;
  try {
    pool.apply_async([&](int x) { return x + offset; }, 1);
    FAIL();
  } catch (const PoolError& error) {
    EXPECT_NE(std::string(error.what()).find("furrow::bind"), std::string::npos) << error.what();
  }
  EXPECT_THROW(pool.map([&](int x) { return x + offset; }, numbers(3), {.standing = true}), PoolError);
}

TEST_F(Processes, FailOrRetryOnlyTheCallWhoseWorkerDied) {
  Pool pool(processes(2));
  std::vector<Future<int>> futures;
  for (int i = 0; i < 40; ++i)
    futures.push_back(pool.apply_async(
        [](int x) {
          if (x == 13) ::raise(SIGKILL);
          return x;
        },
        i));
  for (int i = 0; i < 40; ++i) {
    auto outcome = futures[static_cast<std::size_t>(i)].outcome();
    ASSERT_EQ(outcome.ok(), i != 13);
    if (i == 13) {
      EXPECT_EQ(outcome.failure().kind, FailureKind::kDied);
    }
  }
  auto hopeless = pool.apply_async({.retries = 2}, [] { ::_exit(4); });
  auto outcome = hopeless.outcome();
  EXPECT_EQ(outcome.failure().attempts, 3);
  EXPECT_EQ(outcome.failure().exit_status, 4);
}

TEST_F(Processes, StopACallAtItsTimeout) {
  Pool pool(processes(2));
  auto late = pool.apply_async({.timeout_s = 0.2}, [] { ::pause(); });
  EXPECT_THROW(late.get(), TaskTimeout);
  EXPECT_EQ(pool.apply([] { return 1; }), 1);
}

TEST_F(Processes, RunCallbacksBeforeTheWaitEnds) {
  Pool pool(processes(2));
  int got = 0, failed = 0;
  auto good = pool.apply_async([] { return 5; });
  good.on_success([&](int x) { got = x; });
  auto bad = pool.apply_async([]() -> int { throw 3; });
  bad.on_error([&](const Failure&) { ++failed; });
  pool.wait();
  EXPECT_TRUE(good.ready());
  EXPECT_EQ(got, 5);
  EXPECT_EQ(failed, 1);
}

TEST_F(Processes, CancelWaitingCallsWhenThePoolIsDestroyed) {
  std::vector<Future<void>> futures;
  {
    Pool pool(processes(2));
    for (int i = 0; i < 2000; ++i) futures.push_back(pool.apply_async([] { ::usleep(20'000); }));
  }
  int done = 0, cancelled = 0;
  for (auto& each : futures) {
    const auto outcome = each.outcome();
    if (outcome.ok())
      ++done;
    else
      cancelled += outcome.failure().kind == FailureKind::kCancelled;
  }
  EXPECT_EQ(done + cancelled, 2000);
  EXPECT_GT(cancelled, 0);
}

TEST_F(Processes, GiveCallsBehindALongTaskToAnIdleWorker) {
  shared_array<std::atomic<std::uint8_t>> shared(1);
  static std::atomic<std::uint8_t>* may_end;
  may_end = &shared[0];
  Pool pool(processes(2));
  std::vector<Future<void>> futures;
  futures.push_back(pool.apply_async([] {
    while (*may_end == 0) ::usleep(1000);
  }));
  for (int i = 0; i < 40; ++i) futures.push_back(pool.apply_async([] { ::usleep(1000); }));
  for (std::size_t i = 1; i < futures.size(); ++i) futures[i].get();
  *may_end = 1;
  futures[0].get();
}

TEST_F(Processes, GiveTheSameResultsOnPersistentAndForkedWorkers) {
  Pool pool(processes(2));
  const auto xs = numbers(20'000);
  EXPECT_EQ(pool.map(triple, xs, {.standing = true}), pool.map(triple, xs));
  const auto add = furrow::bind([](int a, int x) { return a + x; }, 1000);
  EXPECT_EQ(pool.map(add, numbers(3), {.chunksize = 2, .standing = true}),
            (std::vector<int>{1000, 1001, 1002}));
  const auto outcomes = pool.try_map(
      [](int x) {
        if (x == 17) ::raise(SIGKILL);
        if (x == 19) throw std::invalid_argument("nineteen");
        return std::to_string(x);
      },
      numbers(60), {.standing = true});
  for (int i = 0; i < 60; ++i) ASSERT_EQ(outcomes[static_cast<std::size_t>(i)].ok(), i != 17 && i != 19) << i;
  EXPECT_EQ(outcomes[17].failure().index, 17u);
  const std::vector<std::pair<int, int>> pairs{{1, 2}, {3, 4}};
  EXPECT_EQ(pool.starmap([](int a, int b) { return a * b; }, pairs, {.standing = true}),
            (std::vector<int>{2, 12}));
  EXPECT_EQ(pool.map_reduce(triple, std::plus<>{}, xs, {.standing = true}),
            pool.map_reduce(triple, std::plus<>{}, xs));
}

TEST_F(Processes, RunCallsOnPersistentWorkersWhileThreadsRun) {
  Pool pool(processes(2));
  std::vector<std::thread> threads;
  std::atomic<int> sum{0};
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) sum += pool.apply(triple, 1);
    });
  for (auto& each : threads) each.join();
  EXPECT_EQ(sum, 3 * 600);
}

TEST_F(Processes, RefuseAWorkerTheUseOfItsParentsPersistentWorkers) {
  Pool pool(processes(2));
  EXPECT_THROW(pool.map([&](int x) { return pool.apply(triple, x); }, numbers(2)), std::runtime_error);
  EXPECT_EQ(pool.apply(triple, 2), 6);
}

TEST_F(Processes, FailCallsIfTheInitializerThrows) {
  Pool pool(processes(2), {.initializer = [] { throw std::runtime_error("no data"); }});
  EXPECT_THROW(pool.apply(triple, 2), TaskFailed);
  EXPECT_THROW(pool.apply(triple, 2), TaskFailed);
}

TEST_F(Processes, FailTheMapIfTheTemplateProcessIsKilled) {
  Pool pool(processes(2));
  EXPECT_THROW(pool.map(
                   [](int x) {
                     if (x == 3) ::kill(::getppid(), SIGKILL);
                     ::usleep(100'000);
                     return x;
                   },
                   numbers(10)),
               PoolError);
  EXPECT_EQ(pool.map([](int x) { return x; }, numbers(3)), numbers(3));
}

}  // namespace
}  // namespace furrow
