// Data that workers share: a mutex for processes and threads, and atomic updates.
#include "furrow/process_mutex.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <mutex>
#include <thread>

#include "contract.hpp"
#include "furrow/detail/thread_sanitizer.hpp"

namespace furrow::testing {
namespace {

using ::testing::HasSubstr;

std::vector<int> items(int count) {
  std::vector<int> made(static_cast<std::size_t>(count));
  std::iota(made.begin(), made.end(), 0);
  return made;
}

class SharedData : public PoolContract {};
FURROW_ON_EVERY_BACKEND(SharedData);

TEST_P(SharedData, IsGuardedByAMutex) {
  Pool pool = make();
  shared_array<int> pair(2);
  process_mutex mutex;
  pool.for_each(
      [&](int) {
        const std::lock_guard lock(mutex);
        const int seen = pair[0];
        if (pair[1] != seen) throw std::runtime_error("another worker is between the two stores");
        pair[0] = seen + 1;
        if (seen % 100 == 0) sleep_ms(1);
        pair[1] = seen + 1;
      },
      items(3000), {.chunksize = 10});
  EXPECT_EQ(pair[0], 3000);
}

TEST_P(SharedData, IsUpdatedAtomically) {
  Pool pool = make();
  shared_array<int> counts(4);
  pool.for_each([&](int x) { counts.atomic(static_cast<std::size_t>(x) % 4).fetch_add(1); }, items(4000),
                {.chunksize = 1});
  for (int each : counts) EXPECT_EQ(each, 1000);
}

TEST(ProcessMutex, ReportsADeadHolderUntilItIsRepaired) {
  Pool pool{processes(3)};
  process_mutex mutex;
  shared_array<int> data(1);
  const auto outcomes = pool.try_map(
      [&](int x) {
        while (x != 0 && data[0] == 0) sleep_ms(1);
        const std::lock_guard lock(mutex);
        data[0] = 1;
        if (x == 0) ::raise(SIGKILL);
        return x;
      },
      items(20), {.chunksize = 1});
  EXPECT_EQ(outcomes[0].failure().kind, FailureKind::kDied);
  for (std::size_t i = 1; i < 20; ++i) {
    ASSERT_FALSE(outcomes[i].ok()) << i;
    EXPECT_THAT(outcomes[i].failure().message, HasSubstr("a process ended while it held this mutex"));
    EXPECT_EQ(outcomes[i].failure().standard, "std::system_error");
  }
  EXPECT_THROW(mutex.lock(), HolderDied);
  EXPECT_THROW(mutex.try_lock(), HolderDied);
  EXPECT_THROW(mutex.try_lock_for(0.01), HolderDied);
  EXPECT_TRUE(mutex.lock_to_repair());
  mutex.unlock();
  EXPECT_FALSE(mutex.lock_to_repair());
  mutex.unlock();
  EXPECT_EQ(pool.map([&](int x) { return std::lock_guard(mutex), x; }, items(20)), items(20));
}

TEST(ProcessMutex, IsNotTakenTwice) {
  if (detail::thread_sanitizer_runs()) GTEST_SKIP() << "ThreadSanitizer ends programs that try it";
  process_mutex mutex;
  EXPECT_THROW(mutex.unlock(), std::system_error);
  mutex.lock();
  EXPECT_THROW(mutex.lock(), std::system_error);
  process_mutex other = mutex;  // the same one
  std::thread([&] {
    EXPECT_FALSE(other.try_lock());
    EXPECT_FALSE(other.try_lock_for(0.01));
    EXPECT_FALSE(other.try_lock_for(-1));
    EXPECT_THROW(other.unlock(), std::system_error);
    EXPECT_THROW(other.try_lock_for(std::nan("")), std::invalid_argument);
  }).join();
  mutex.unlock();
  EXPECT_TRUE(other.try_lock());
  other.unlock();
}

TEST(ProcessMutex, IsNotSent) {
  Pool pool{processes(1)};
  const process_mutex mutex;
  EXPECT_THROW(pool.apply(furrow::bind([](const process_mutex&, int x) { return x; }, mutex), 1), PoolError);
}

}  // namespace
}  // namespace furrow::testing
