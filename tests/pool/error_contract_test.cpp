// Tasks that fail, take too long or crash.
#include <gmock/gmock.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <system_error>

#include "contract.hpp"

namespace furrow::testing {
namespace {

using ::testing::HasSubstr;

class ErrorContract : public PoolContract {};
FURROW_ON_EVERY_BACKEND(ErrorContract);

struct CalibrationError : std::range_error {
  using std::range_error::range_error;
};

// Fails for 3 and 7.
int picky(int x) {
  if (x == 3 || x == 7) throw std::out_of_range("no such sample: " + std::to_string(x));
  return x;
}

TEST_P(ErrorContract, KeepsTheTypeMessageAndIndexOfAnException) {
  Pool pool = make();
  try {
    pool.map(picky, numbers(10));
    FAIL() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), "no such sample: 3");
    const auto* task = dynamic_cast<const TaskError*>(&error);
    ASSERT_TRUE(task);
    EXPECT_EQ(task->index(), 3u);
    EXPECT_EQ(task->failure().type, "std::out_of_range");
  }
}

TEST_P(ErrorContract, ThrowsOtherExceptionsAsTheirNearestStandardBase) {
  Pool pool = make();
  try {
    pool.map([](int) -> int { throw CalibrationError("off by 2"); }, numbers(1));
    FAIL() << "nothing was thrown";
  } catch (const std::range_error& error) {
    EXPECT_STREQ(error.what(), "off by 2");
    EXPECT_THAT(dynamic_cast<const TaskError&>(error).failure().type, HasSubstr("CalibrationError"));
    if (can().shares_memory) {
      EXPECT_THROW(std::rethrow_if_nested(error), CalibrationError);
    }
  }
}

TEST_P(ErrorContract, KeepsTheCodeOfASystemError) {
  Pool pool = make();
  try {
    pool.map([](int) -> int { throw std::system_error(ENOSPC, std::generic_category(), "cannot write"); },
             numbers(1));
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOSPC);
    EXPECT_THAT(error.what(), HasSubstr("cannot write"));
  }
}

TEST_P(ErrorContract, NamesTheTypeOfAThrownNonException) {
  Pool pool = make();
  try {
    pool.map([](int) -> int { throw 42; }, numbers(1));
    FAIL() << "nothing was thrown";
  } catch (const TaskFailed& error) {
    EXPECT_THAT(error.what(), HasSubstr("int"));
  }
}

TEST_P(ErrorContract, RunsAllOtherItemsAfterAFailure) {
  Pool pool = make();
  const SharedCounters done(1);
  const auto counted =
      furrow::bind([](const SharedCounters& all, int x) { return picky(x), ++all[0], x; }, done);
  EXPECT_THROW(pool.map(counted, numbers(1000), {.chunksize = 10}), std::out_of_range);
  EXPECT_EQ(done[0], 998);
}

TEST_P(ErrorContract, StartsNoNewTasksAfterAFailureOnFailFast) {
  Pool pool = make();
  const SharedCounters begun(1);
  const auto count_and_sleep = [](const SharedCounters& all, int x) {
    ++all[0];
    if (x == 0) throw std::runtime_error("at once");
    sleep_ms(5);
  };
  const auto task = furrow::bind(count_and_sleep, begun);
  EXPECT_THROW(pool.map(task, numbers(1000), {.chunksize = 1, .on_error = OnError::kFailFast}),
               std::runtime_error);
  EXPECT_LT(begun[0], 500);
}

TEST_P(ErrorContract, TryMapReturnsEachOutcome) {
  Pool pool = make();
  const auto outcomes = pool.try_map(picky, numbers(10));
  for (std::size_t i = 0; i < 10; ++i) {
    ASSERT_EQ(outcomes[i].ok(), i != 3 && i != 7) << i;
    if (outcomes[i].ok())
      EXPECT_EQ(outcomes[i].value(), static_cast<int>(i));
    else
      EXPECT_EQ(outcomes[i].failure().index, i);
  }
  EXPECT_THROW(outcomes[7].value(), std::out_of_range);
  const auto nothing = pool.try_map([](int x) { picky(x); }, numbers(4));
  EXPECT_TRUE(nothing[0].ok());
  EXPECT_FALSE(nothing[3].ok());
}

TEST_P(ErrorContract, RetriesFailedTasksAndCountsAttempts) {
  Pool pool = make();
  const SharedCounters tries(10);
  const auto count_and_fail = [](const SharedCounters& all, int x) {
    if (++all[static_cast<std::size_t>(x)] < 3) throw std::runtime_error("not yet");
    return x;
  };
  const auto flaky = furrow::bind(count_and_fail, tries);
  EXPECT_EQ(pool.map(flaky, numbers(10), {.retries = 2}), numbers(10));
  const auto hopeless =
      pool.try_map([](int) -> int { throw std::runtime_error("never"); }, numbers(2), {.retries = 3});
  EXPECT_EQ(hopeless[1].failure().attempts, 4);
}

TEST_P(ErrorContract, LeavesThePoolUsable) {
  Pool pool = make();
  for (int i = 0; i < 5; ++i) {
    EXPECT_THROW(pool.map(picky, numbers(10)), std::out_of_range);
    EXPECT_EQ(pool.map([](int x) { return x; }, numbers(10)), numbers(10));
  }
}

TEST_P(ErrorContract, StopsATaskAtItsTimeout) {
  Pool pool = make();
  const auto slow = [](int x) {
    for (int waited = 0; x == 1 && waited < 10'000; ++waited) sleep_ms(1);
    return x;
  };
  if (!can().stops_any_task) {
    EXPECT_THROW(pool.map(slow, numbers(4), {.timeout_s = 0.2}), PoolError);
    return;
  }
  const auto outcomes = pool.try_map(slow, numbers(4), {.timeout_s = 0.2});
  EXPECT_EQ(outcomes[1].failure().kind, FailureKind::kTimeout);
  EXPECT_TRUE(outcomes[0].ok() && outcomes[2].ok() && outcomes[3].ok());
  EXPECT_THROW(outcomes[1].value(), TaskTimeout);
}

TEST_P(ErrorContract, AsksATaskWithAStopTokenToStop) {
  Pool pool = make();
  const auto willing = [](int x, std::stop_token stop) {
    for (int waited = 0; x == 1 && waited < 10'000 && !stop.stop_requested(); ++waited) sleep_ms(1);
    return x;
  };
  EXPECT_EQ(pool.map(willing, std::vector<int>{0, 2}), (std::vector<int>{0, 2}));
  if (!can().stops_willing_task) {
    EXPECT_THROW(pool.map(willing, numbers(4), {.timeout_s = 0.2}), PoolError);
    return;
  }
  const auto outcomes = pool.try_map(willing, numbers(4), {.timeout_s = 0.2});
  ASSERT_FALSE(outcomes[1].ok());
  EXPECT_EQ(outcomes[1].failure().kind, FailureKind::kTimeout);
  EXPECT_TRUE(outcomes[3].ok());
}

TEST_P(ErrorContract, LosesOneItemOrTheProgramToACrash) {
  const auto crash = [](int x) {
    if (x == 5) std::raise(SIGSEGV);
    return x;
  };
  if (!can().survives_a_crash) {
    // A sanitizer turns the signal into an exit.
    const auto died = [](int status) { return WIFSIGNALED(status) || WEXITSTATUS(status) != 0; };
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(Pool(GetParam().backend).map(crash, numbers(10)), died, "");
    return;
  }
  Pool pool = make();
  const auto outcomes = pool.try_map(crash, numbers(10));
  for (std::size_t i = 0; i < 10; ++i) ASSERT_EQ(outcomes[i].ok(), i != 5) << i;
  EXPECT_EQ(outcomes[5].failure().signal, SIGSEGV);
  EXPECT_THROW(pool.map(crash, numbers(10)), WorkerDied);
}

TEST_P(ErrorContract, ReportsAThrowingInitializer) {
  try {
    Pool pool = make({.initializer = [] { throw std::runtime_error("no licence"); }});
    pool.map([](int x) { return x; }, numbers(3));
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no licence"));
  }
}

}  // namespace
}  // namespace furrow::testing
