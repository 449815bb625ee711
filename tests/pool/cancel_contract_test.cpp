// Calls that are cancelled: by a stop token, by Future::cancel(), by Pool::stop().
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stop_token>
#include <string>
#include <thread>

#include "contract.hpp"

namespace furrow::testing {
namespace {

// What the tasks below count.
enum Counter : std::size_t { kBegun, kAsked, kEnded, kCounters };

// Runs until it is told to end.
constexpr auto obedient = [](const SharedCounters& counters, int x) {
  ++counters[kBegun];
  for (bool first = true; !task_stop_requested(); first = false) {
    if (first) ++counters[kAsked];
    sleep_ms(1);
  }
  ++counters[kEnded];
  return x;
};

constexpr auto counted = [](const SharedCounters& counters, int x) {
  ++counters[kBegun];
  return x;
};

class CancelContract : public PoolContract {
 protected:
  bool calls_at_once() const {
    return can().backend.kind == BackendKind::kSerial || can().backend.kind == BackendKind::kAsync;
  }
  // Maps run while this test has threads.
  MapOptions options(std::stop_token stop = {}) const {
    return {.stop = std::move(stop), .threads_are_safe = true};
  }
  void expect_usable(Pool& pool) const {
    EXPECT_EQ(pool.map([](int x) { return 2 * x; }, numbers(50), options())[49], 98);
    EXPECT_EQ(pool.apply([](int x) { return x; }, 7), 7);
  }
  // Runs CANCEL in another thread once a task has asked whether it should end.
  std::jthread when_asked(std::function<void()> cancel) const {
    return std::jthread([this, cancel = std::move(cancel)] {
      for (int waited = 0; waited < 20'000 && counters[kAsked] == 0; ++waited) sleep_ms(1);
      cancel();
    });
  }

  SharedCounters counters{kCounters};
  std::stop_source source;
};
FURROW_ON_EVERY_BACKEND(CancelContract);

TEST_P(CancelContract, RunsNothingIfAStopWasRequestedBefore) {
  Pool pool = make();
  source.request_stop();
  const MapOptions stopped = options(source.get_token());
  const auto f = furrow::bind(counted, counters);
  const auto add = [](int a, int b) { return a + b; };
  const auto sum = [](int& acc, int x) { acc += x; };
  const auto xs = numbers(100);
  std::vector<int> out(100);
  EXPECT_THROW(pool.map(f, xs, stopped), Cancelled);
  EXPECT_THROW(pool.map_into(out, f, xs, stopped), Cancelled);
  EXPECT_THROW(pool.for_each(f, xs, stopped), Cancelled);
  EXPECT_THROW(pool.map_reduce(f, add, xs, stopped), Cancelled);
  EXPECT_THROW(pool.map_fold(0, sum, add, xs, stopped), Cancelled);
  for (const auto& each : pool.try_map(f, xs, stopped))
    EXPECT_EQ(each.failure().kind, FailureKind::kCancelled);
  {
    auto stream = pool.imap(f, xs, stopped);
    EXPECT_THROW(stream.begin(), Cancelled);
    EXPECT_TRUE(stream.begin() == stream.end());
  }
  int outcomes = 0;
  for (const auto& each : pool.try_imap(f, xs, stopped)) {
    EXPECT_EQ(each.failure().kind, FailureKind::kCancelled);
    ++outcomes;
  }
  EXPECT_EQ(outcomes, 1);
  auto call = pool.apply_async(CallOptions{.stop = source.get_token()}, f, 1);
  EXPECT_FALSE(call.cancel());
  EXPECT_THROW(call.get(), Cancelled);
  EXPECT_EQ(counters[kBegun], 0);
  expect_usable(pool);
}

TEST_P(CancelContract, EndsAMapFromAnotherThread) {
  Pool pool = make();
  const auto f = furrow::bind(obedient, counters);
  for (const std::size_t chunksize : {0, 50}) {
    for (const bool standing : {false, true}) {
      for (std::size_t i = 0; i < kCounters; ++i) counters[i] = 0;
      std::stop_source stop;
      MapOptions stoppable = options(stop.get_token());
      stoppable.chunksize = chunksize;
      stoppable.standing = standing;
      const auto canceller = when_asked([&] { stop.request_stop(); });
      EXPECT_THROW(pool.map(f, numbers(500), stoppable), Cancelled);
      EXPECT_GE(counters[kEnded], 1);  // it was told, and had time to end
      EXPECT_LE(counters[kBegun], pool.workers());
    }
  }
  expect_usable(pool);
}

TEST_P(CancelContract, KeepsTheOutcomesThatThereAre) {
  Pool pool = make();
  const auto f =
      furrow::bind([](const SharedCounters& all, int x) { return x == 0 ? x : obedient(all, x); }, counters);
  const auto canceller = when_asked([&] { source.request_stop(); });
  MapOptions stoppable = options(source.get_token());
  stoppable.chunksize = 1;
  const auto outcomes = pool.try_map(f, numbers(300), stoppable);
  ASSERT_EQ(outcomes.size(), 300u);
  const auto without = std::count_if(outcomes.begin(), outcomes.end(), [](const auto& each) {
    return !each.ok() && each.failure().kind == FailureKind::kCancelled;
  });
  EXPECT_GE(without, 300 - 1 - pool.workers() - (can().in_parallel ? 100 : 0));
  EXPECT_FALSE(outcomes[299].ok());
}

TEST_P(CancelContract, EndsAStreamThatWaits) {
  Pool pool = make();
  const auto f = furrow::bind(obedient, counters);
  for (const bool standing : {false, true}) {
    for (std::size_t i = 0; i < kCounters; ++i) counters[i] = 0;
    std::stop_source stop;
    MapOptions stoppable = options(stop.get_token());
    stoppable.standing = standing;
    const auto canceller = when_asked([&] { stop.request_stop(); });
    auto stream = pool.imap(f, numbers(500), stoppable);
    EXPECT_THROW(stream.begin(), Cancelled);
    EXPECT_THROW(*stream.begin(), std::out_of_range);
  }
  expect_usable(pool);
}

TEST_P(CancelContract, LeavesAStreamThatWasGivenUpAlone) {
  const auto f = furrow::bind(counted, counters);
  {
    Pool pool = make();
    for (int y : pool.imap(f, numbers(500), options(source.get_token())))
      if (y == 3) break;
    source.request_stop();
    expect_usable(pool);
  }
  source.request_stop();  // the token outlives the Pool
}

TEST_P(CancelContract, ForgetsATokenWhenACallHasEnded) {
  Future<int> kept;
  {
    Pool pool = make();
    EXPECT_EQ(pool.map([](int x) { return x; }, numbers(10), options(source.get_token())).size(), 10u);
    kept = pool.apply_async(
        CallOptions{.stop = source.get_token()}, [](int x) { return x; }, 5);
    kept.wait();
  }
  source.request_stop();
  EXPECT_FALSE(kept.cancel());
  EXPECT_EQ(kept.get(), 5);
}

// In a worker process the source is a copy.
TEST_P(CancelContract, EndsWhenATaskAsksForIt) {
  Pool pool = make();
  if (!can().takes_captures) return;
  const auto f = [this](int x) {
    if (x == 3) source.request_stop();
    return x;
  };
  if (can().shares_memory)
    EXPECT_THROW(pool.map(f, numbers(1000), options(source.get_token())), Cancelled);
  else
    EXPECT_EQ(pool.map(f, numbers(1000), options(source.get_token())).size(), 1000u);
  expect_usable(pool);
}

TEST_P(CancelContract, IsNotHeldUpByWorkersThatDie) {
  if (!can().survives_a_crash) return;
  Pool pool = make();
  for (int round = 0; round < 12; ++round) {
    const auto f = furrow::bind(
        [](const SharedCounters& all, int x) {
          ++all[kAsked];
          if (x % 3 == 0) ::raise(SIGKILL);
          if (x % 3 == 1) obedient(all, x);
          return x;
        },
        counters);
    counters[kAsked] = 0;
    std::stop_source stop;
    MapOptions stoppable = options(stop.get_token());
    stoppable.retries = 2;
    stoppable.standing = round % 2 != 0;
    const auto canceller = when_asked([&] {
      sleep_ms(round);
      stop.request_stop();
      stop.request_stop();
    });
    EXPECT_THROW(pool.map(f, numbers(90), stoppable), Cancelled) << round;
  }
  expect_usable(pool);
}

// Of the programs that the next test starts.
int programs_left() {
  const std::string wanted(
      "sleep\0"
      "64322\0",
      12);
  int count = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(each.path() / "cmdline", std::ios::binary);
    count += std::string(std::istreambuf_iterator<char>(file), {}) == wanted;
  }
  return count;
}

TEST_P(CancelContract, EndsTheProgramsOfTasks) {
  Pool pool = make();
  const auto f = furrow::bind(
      [](const SharedCounters& all, int) {
        ++all[kAsked];
        return std::system("exec sleep 64322");
      },
      counters);
  const auto canceller = when_asked([&] {
    sleep_ms(200);
    source.request_stop();
  });
  EXPECT_THROW(pool.map(f, numbers(20), options(source.get_token())), Cancelled);
  if (!calls_at_once()) {
    counters[kAsked] = 0;
    auto call = pool.apply_async(f, 1);
    while (counters[kAsked] == 0) call.wait_for(0.001);
    sleep_ms(200);
    EXPECT_TRUE(call.cancel());
    EXPECT_THROW(call.get(), Cancelled);
  }
  // A program that was killed is gone a moment later; on another rank, when the message has come.
  for (int left = 1000; programs_left() > 0 && left > 0; --left) sleep_ms(10);
  EXPECT_EQ(programs_left(), 0);
}

TEST_P(CancelContract, LeavesTheProgramsOfTheCallerAlone) {
  Pool pool = make();
  const pid_t own = ::fork();
  if (own == 0)
    for (;;) ::pause();
  const auto canceller = when_asked([&] { source.request_stop(); });
  EXPECT_THROW(pool.map(furrow::bind(obedient, counters), numbers(20), options(source.get_token())),
               Cancelled);
  EXPECT_EQ(::waitpid(own, nullptr, WNOHANG), 0);
  ::kill(own, SIGKILL);
  EXPECT_EQ(::waitpid(own, nullptr, 0), own);
}

TEST_P(CancelContract, CancelsSingleCalls) {
  Pool pool = make();
  const auto f = furrow::bind(obedient, counters);
  if (calls_at_once()) {
    auto done = pool.apply_async([](int x) { return x; }, 1);
    EXPECT_FALSE(done.cancel());
    EXPECT_EQ(done.get(), 1);
    return;
  }
  std::vector<Future<int>> running;
  for (int i = 0; i < pool.workers(); ++i) running.push_back(pool.apply_async(f, i));
  while (counters[kAsked] < pool.workers()) running[0].wait_for(0.001);
  const auto never = furrow::bind(
      [](const SharedCounters& all, int x) {
        all[kBegun] += 1000;
        return x;
      },
      counters);
  std::vector<Future<int>> queued;
  for (int i = 0; i < 20; ++i) queued.push_back(pool.apply_async(never, i));
  std::string said;
  queued[0].on_error([&](const Failure& failure) { said = failure.message; });
  for (auto& each : queued) {
    EXPECT_TRUE(each.cancel());
    EXPECT_THROW(each.get(), Cancelled);  // though all workers are busy
  }
  EXPECT_EQ(said, "the call was cancelled");
  for (auto& each : running) {
    EXPECT_TRUE(each.cancel());
    each.cancel();
  }
  for (auto& each : running) EXPECT_EQ(each.outcome().failure().kind, FailureKind::kCancelled);
  EXPECT_EQ(counters[kEnded], pool.workers());
  EXPECT_LT(counters[kBegun], 1000);
  expect_usable(pool);
}

TEST_P(CancelContract, CancelsACallByItsToken) {
  Pool pool = make();
  const auto canceller = when_asked([&] { source.request_stop(); });
  auto call = pool.apply_async(CallOptions{.retries = 3, .stop = source.get_token()},
                               furrow::bind(obedient, counters), 1);
  EXPECT_THROW(call.get(), Cancelled);
  EXPECT_EQ(counters[kBegun], 1);
  EXPECT_EQ(counters[kEnded], 1);
  expect_usable(pool);
}

TEST_P(CancelContract, StopsEverythingOfAPool) {
  Pool pool = make();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < kCounters; ++i) counters[i] = 0;
    const auto f = furrow::bind(obedient, counters);
    std::atomic<bool> over{false};
    auto canceller = when_asked([&] {  // again and again, since some of it may begin after the first time
      for (; !over; sleep_ms(20)) pool.stop();
    });
    std::vector<Future<int>> calls;
    for (int i = 0; i < 10 && !calls_at_once(); ++i) calls.push_back(pool.apply_async(f, i));
    MapOptions standing = options();
    standing.standing = true;
    EXPECT_THROW(pool.map(f, numbers(100), standing), Cancelled);
    for (auto& each : calls) EXPECT_THROW(each.get(), Cancelled);
    EXPECT_LE(counters[kBegun], 11 * pool.workers());
    over = true;
    canceller.join();
    pool.wait();
    expect_usable(pool);
  }
  pool.stop();  // nothing is under way
  expect_usable(pool);
}

// The token of a task that takes one, where tasks are in this process.
TEST_P(CancelContract, AsksByAStopToken) {
  if (can().backend.kind != BackendKind::kThreads && can().backend.kind != BackendKind::kSerial) return;
  Pool pool = make();
  const auto f = [this](int x, std::stop_token token) {
    ++counters[kAsked];
    while (!token.stop_requested()) sleep_ms(1);
    return x;
  };
  const auto canceller = when_asked([&] { source.request_stop(); });
  EXPECT_THROW(pool.map(f, numbers(50), options(source.get_token())), Cancelled);
  expect_usable(pool);
}

}  // namespace
}  // namespace furrow::testing
