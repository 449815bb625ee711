// Tasks that fail, take too long or crash.
#include <gmock/gmock.h>

#include <any>
#include <csignal>
#include <filesystem>
#include <future>
#include <ios>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <system_error>

#include "contract.hpp"
#include "shared_counters.hpp"

namespace furrow::testing {
namespace {

using ::testing::HasSubstr;

class ErrorContract : public PoolContract {};
FURROW_ON_EVERY_BACKEND(ErrorContract);

struct CalibrationError : std::range_error {
  CalibrationError(const char* what, int off_by) : std::range_error(what), by(off_by) {}
  int by;
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

TEST_P(ErrorContract, ThrowsOtherExceptionsAsThemselvesOrAsTheirNearestStandardBase) {
  Pool pool = make();
  const auto task = [](int) -> int { throw CalibrationError("off by 2", 2); };
  const auto check = [&](const auto& call) {
    try {
      call();
      FAIL() << "nothing was thrown";
    } catch (const std::range_error& error) {
      EXPECT_STREQ(error.what(), "off by 2");
      if (can().shares_memory)
        EXPECT_EQ(dynamic_cast<const CalibrationError&>(error).by, 2);
      else
        EXPECT_THAT(dynamic_cast<const TaskError&>(error).failure().type, HasSubstr("CalibrationError"));
    }
  };
  check([&] { pool.map(task, numbers(1)); });
  check([&] { pool.apply(task, 1); });
  check([&] { pool.imap(task, numbers(1)).begin(); });
  const auto outcomes = pool.try_map(task, numbers(2));
  EXPECT_EQ(outcomes[1].failure().index, 1u);
  check([&] { outcomes[1].value(); });
}

TEST_P(ErrorContract, NamesATypeOfFurrowAsAProgramSpellsIt) {
  Pool pool = make();
  const auto outcomes = pool.try_map([](int) -> int { throw PoolError("no"); }, numbers(1));
  EXPECT_EQ(outcomes[0].failure().type, "furrow::PoolError");
}

// An exception that already says which task of an inner map failed must not say so of the outer one.
TEST_P(ErrorContract, NamesTheOuterTaskWhoseInnerMapFailed) {
  Pool pool = make();
  const auto outer = [](int x) {
    Pool inner{serial()};
    return inner.map([x](int y) { return x == 2 && y == 1 ? throw std::range_error("deep") : y; },
                     std::vector<int>{0, 1})[0];
  };
  try {
    pool.map(outer, numbers(4));
    FAIL() << "nothing was thrown";
  } catch (const std::range_error& error) {
    EXPECT_STREQ(error.what(), "deep");
    EXPECT_EQ(dynamic_cast<const TaskError&>(error).index(), 2u);
  }
}

const std::error_category& own_category() {
  struct Category final : std::error_category {
    const char* name() const noexcept override { return "station"; }
    std::string message(int) const override { return "out of range"; }
  };
  static const Category category;
  return category;
}

template <class E, class Check>
void expect_thrown(Pool& pool, int which, const Check& check) {
  const auto task = [](int each) -> int {
    switch (each) {
      case 0:
        throw std::filesystem::filesystem_error("cannot rename", "a", "b",
                                                std::make_error_code(std::errc::permission_denied));
      case 1:
        throw std::ios_base::failure("cannot read", std::io_errc::stream);
      case 2:
        throw std::future_error(std::future_errc::no_state);
      case 3:
        throw std::regex_error(std::regex_constants::error_brack);
      case 4:
        throw std::system_error(EAGAIN, std::system_category(), "try again");
      case 5:
        throw std::system_error(7, own_category(), "too far");
      case 6:
        throw std::bad_weak_ptr();
      case 7:
        return static_cast<int>(std::string().at(5));
      default:
        throw std::bad_any_cast();
    }
  };
  try {
    pool.map(task, std::vector<int>{which});
    FAIL() << "nothing was thrown";
  } catch (const E& error) {
    EXPECT_TRUE(dynamic_cast<const TaskError*>(&error)) << which;
    check(error);
  }
}

TEST_P(ErrorContract, KeepsTheCodesAndPathsOfStandardExceptions) {
  Pool pool = make();
  expect_thrown<std::filesystem::filesystem_error>(pool, 0, [](const auto& error) {
    EXPECT_EQ(error.path1(), "a");
    EXPECT_EQ(error.path2(), "b");
    EXPECT_TRUE(error.code() == std::errc::permission_denied);
  });
  expect_thrown<std::ios_base::failure>(
      pool, 1, [](const auto& error) { EXPECT_TRUE(error.code() == std::io_errc::stream); });
  expect_thrown<std::future_error>(
      pool, 2, [](const auto& error) { EXPECT_TRUE(error.code() == std::future_errc::no_state); });
  expect_thrown<std::regex_error>(
      pool, 3, [](const auto& error) { EXPECT_EQ(error.code(), std::regex_constants::error_brack); });
  expect_thrown<std::system_error>(pool, 4, [](const auto& error) {
    EXPECT_EQ(error.code(), std::error_code(EAGAIN, std::system_category()));
  });
  expect_thrown<std::system_error>(pool, 5, [&](const auto& error) {
    EXPECT_EQ(error.code().value(), 7);
    EXPECT_STREQ(error.code().category().name(), "station");
    EXPECT_EQ(error.code() == std::error_code(7, own_category()), can().shares_memory);
    EXPECT_THAT(error.what(), HasSubstr("out of range"));
  });
  expect_thrown<std::bad_weak_ptr>(pool, 6, [](const auto&) {});
  expect_thrown<std::out_of_range>(pool, 7, [](const auto&) {});
  expect_thrown<std::bad_any_cast>(pool, 8, [](const auto&) {});
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
  const auto task = [](int) -> int { throw 42; };
  EXPECT_THAT(pool.try_map(task, numbers(1))[0].failure().message, HasSubstr("type int"));
  try {
    pool.map(task, numbers(1));
    FAIL() << "nothing was thrown";
  } catch (const TaskFailed& error) {
    EXPECT_FALSE(can().shares_memory);
    EXPECT_THAT(error.what(), HasSubstr("type int"));
  } catch (int thrown) {
    EXPECT_TRUE(can().shares_memory);
    EXPECT_EQ(thrown, 42);
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

TEST_P(ErrorContract, TryMapThatFailsFastCancelsWhatItDidNotRun) {
  Pool pool = make();
  const auto task = [](int x) { return x == 2 ? throw std::runtime_error("two") : (sleep_ms(2), x); };
  for (const bool standing : {false, true}) {
    const auto outcomes = pool.try_map(
        task, numbers(300), {.chunksize = 1, .on_error = OnError::kFailFast, .standing = standing});
    int ran = 0, cancelled = 0;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (outcomes[i].ok()) {
        EXPECT_EQ(outcomes[i].value(), static_cast<int>(i));
        ++ran;
      } else {
        EXPECT_EQ(outcomes[i].failure().index, i);
        cancelled += outcomes[i].failure().kind == FailureKind::kCancelled;
      }
    }
    EXPECT_EQ(outcomes[2].failure().message, "two");
    EXPECT_LT(ran, 150);
    EXPECT_EQ(ran + cancelled, 299);
  }
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

TEST_P(ErrorContract, EndsATaskAtItsTimeLimit) {
  if (!can().stops_any_task) return;
  Pool pool = make();
  const auto slow = [](int x) {
    for (int waited = 0; x == 1 && waited < 10'000; ++waited) sleep_ms(1);
    return x;
  };
  const auto outcomes = pool.try_map(slow, numbers(4), {.timeout_s = 0.2});
  EXPECT_EQ(outcomes[1].failure().kind, FailureKind::kTimeout);
  EXPECT_TRUE(outcomes[0].ok() && outcomes[2].ok() && outcomes[3].ok());
  EXPECT_THROW(outcomes[1].value(), TaskTimeout);
}

TEST_P(ErrorContract, AsksATaskWithAStopTokenToEndAtItsTimeLimit) {
  Pool pool = make();
  const auto willing = [](int x, std::stop_token stop) {
    for (int waited = 0; x == 1 && waited < 10'000 && !stop.stop_requested(); ++waited) sleep_ms(1);
    return x;
  };
  EXPECT_EQ(pool.map(willing, std::vector<int>{0, 2}), (std::vector<int>{0, 2}));
  const auto outcomes = pool.try_map(willing, numbers(4), {.timeout_s = 0.2});
  ASSERT_FALSE(outcomes[1].ok());
  EXPECT_EQ(outcomes[1].failure().kind, FailureKind::kTimeout);
  EXPECT_TRUE(outcomes[3].ok());
  EXPECT_EQ(pool.apply_async(CallOptions{.timeout_s = 0.2}, willing, 1).outcome().failure().kind,
            FailureKind::kTimeout);
}

// What any function can look at. Each of these would take 10 s.
TEST_P(ErrorContract, AsksAnyTaskToEndAtItsTimeLimit) {
  Pool pool = make();
  const auto asking = [](int x) {
    for (int waited = 0; x == 1 && waited < 10'000 && !task_stop_requested(); ++waited) sleep_ms(1);
    return x;
  };
  const MapOptions limited{.timeout_s = 0.2};
  const auto outcomes = pool.try_map(asking, numbers(4), limited);
  for (std::size_t i = 0; i < 4; ++i) ASSERT_EQ(outcomes[i].ok(), i != 1) << i;
  EXPECT_EQ(outcomes[1].failure().kind, FailureKind::kTimeout);
  EXPECT_EQ(outcomes[1].failure().index, 1u);
  EXPECT_THAT(outcomes[1].failure().message, HasSubstr("0.2 s"));
  EXPECT_THROW(pool.map(asking, numbers(4), limited), TaskTimeout);
  EXPECT_THROW(pool.for_each(asking, numbers(4), limited), TaskTimeout);
  std::vector<int> streamed;
  try {
    for (int y : pool.imap(asking, numbers(4), limited)) streamed.push_back(y);
    ADD_FAILURE() << "the stream has no failure";
  } catch (const TaskTimeout&) {
  }
  EXPECT_EQ(streamed, std::vector<int>{0});
  EXPECT_THROW(pool.apply_async(CallOptions{.timeout_s = 0.2}, asking, 1).get(), TaskTimeout);
  EXPECT_EQ(pool.apply_async(CallOptions{.timeout_s = 10}, asking, 2).get(), 2);
}

TEST_P(ErrorContract, RetriesATaskThatTookTooLong) {
  Pool pool = make();
  const SharedCounters attempts(4);
  const auto slow_once = furrow::bind(
      [](const SharedCounters& counters, int x) {
        const bool is_slow = x == 2 && ++counters[2] == 1;
        for (int waited = 0; is_slow && waited < 10'000 && !task_stop_requested(); ++waited) sleep_ms(1);
        return x;
      },
      attempts);
  EXPECT_EQ(pool.map(slow_once, numbers(4), {.retries = 1, .timeout_s = 0.2}), numbers(4));
  EXPECT_EQ(attempts[2], 2);
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
