#include "os/events/futex.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>
#include <ostream>
#include <thread>

#include "os/events/clock.hpp"
#include "os/memory/shared_memory.hpp"

namespace furrow::os {

static void PrintTo(Scope scope, std::ostream* out) {
  *out << (scope == Scope::kShared ? "Shared" : "Private");
}

namespace {

using Word = std::atomic<std::uint32_t>;

TEST(Futex, AnotherValueReturnsAtOnce) {
  const Word word{1};
  EXPECT_TRUE(futex_wait(word, 0));
  EXPECT_TRUE(futex_wait(word, 0, kNoTimeout, Scope::kPrivate));
}

TEST(Futex, ReportsATimeout) {
  const Word word{1};
  const double start = monotonic_seconds();
  EXPECT_FALSE(futex_wait(word, 1, 20'000'000));
  EXPECT_GE(monotonic_seconds() - start, 0.019);
  EXPECT_FALSE(futex_wait(word, 1, 0, Scope::kPrivate));
}

TEST(Futex, WakesNobodyIfNobodyWaits) {
  const Word word{0};
  EXPECT_EQ(futex_wake(word), 0);
  EXPECT_EQ(futex_wake_all(word, Scope::kPrivate), 0);
}

class FutexScope : public ::testing::TestWithParam<Scope> {};

TEST_P(FutexScope, WakesThreads) {
  Word word{0}, done{0};
  const auto sleep = [&] {
    while (word.load() == 0) futex_wait(word, 0, kNoTimeout, GetParam());
    ++done;
  };
  std::thread first(sleep), second(sleep);
  word = 1;
  futex_wake_all(word, GetParam());
  first.join();
  second.join();
  EXPECT_EQ(done, 2u);
}

INSTANTIATE_TEST_SUITE_P(Both, FutexScope, ::testing::Values(Scope::kShared, Scope::kPrivate),
                         [](const auto& scope) { return ::testing::PrintToString(scope.param); });

TEST(Futex, WakesAnotherProcess) {
  const auto memory = SharedMemory::create(sizeof(Word) * 2);
  auto* const words = new (memory->data()) Word[2]{};
  const pid_t pid = ::fork();
  if (pid == 0) {
    while (words[0].load() == 0) futex_wait(words[0], 0);
    words[1] = 5;
    futex_wake(words[1]);
    ::_exit(0);
  }
  words[0] = 1;
  futex_wake(words[0]);
  while (words[1].load() == 0) ASSERT_TRUE(futex_wait(words[1], 0, 20'000'000'000));
  EXPECT_EQ(words[1], 5u);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace furrow::os
