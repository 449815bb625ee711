// What a Pool cannot do, it refuses before anything runs, and it says what to do instead.
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "contract.hpp"

namespace furrow::testing {
namespace {

using ::testing::HasSubstr;

std::atomic<int> runs{0};
int counted(int x) { return ++runs, x; }

template <class Call>
std::string refusal_of(const Call& call) {
  runs = 0;
  try {
    call();
  } catch (const PoolError& error) {
    EXPECT_EQ(runs, 0) << "something was run";
    return error.what();
  }
  return "it was not refused";
}

// While this exists, the program has another thread.
class OtherThread {
 public:
  ~OtherThread() { ends_ = true; }

 private:
  std::atomic<bool> ends_{false};
  std::jthread thread_{[this] {
    while (!ends_) sleep_ms(1);
  }};
};

class Refusals : public PoolContract {};
FURROW_ON_EVERY_BACKEND(Refusals);

// There the time of an item is known only if its function says when it begins.
TEST_P(Refusals, CoverATimeLimitInAReductionThatCannotBeWatched) {
  Pool pool = make();
  const MapOptions limited{.timeout_s = 5};
  const auto willing = [](int x, std::stop_token) { return x; };
  EXPECT_EQ(pool.map_reduce(willing, std::plus<>{}, numbers(3), limited), 3);
  if (can().stops_any_task) {
    EXPECT_EQ(pool.map_reduce(counted, std::plus<>{}, numbers(3), limited), 3);
    return;
  }
  const auto fold = [](int sum, int x) { return sum + counted(x); };
  for (const std::string& why : {
           refusal_of([&] { pool.map_reduce(counted, std::plus<>{}, numbers(3), limited); }),
           refusal_of([&] { pool.map_fold(0, fold, std::plus<>{}, numbers(3), limited); }),
       })
    EXPECT_THAT(why, HasSubstr("processes")) << "it should name the backend that can";
}

TEST_P(Refusals, CoverResultsThatPointIntoAnotherProcess) {
  static const std::string text = "text";
  static const int values[] = {1, 2};
  Pool pool = make();
  const auto pointer = [](int) { return &text; };
  const auto view = [](int) { return std::string_view(text); };
  const auto span = [](int) { return std::span<const int>(values); };
  const auto owner = [](int x) { return std::make_unique<int>(x); };
  if (can().carries_any_result) {
    EXPECT_EQ(pool.map(pointer, numbers(1))[0], &text);
    EXPECT_EQ(pool.map(view, numbers(1))[0], "text");
    EXPECT_EQ(pool.map(span, numbers(1))[0][1], 2);
    EXPECT_EQ(*pool.map(owner, numbers(3))[2], 2);
    EXPECT_EQ(pool.apply(pointer, 1), &text);
    return;
  }
  EXPECT_THAT(refusal_of([&] { pool.map(pointer, numbers(1)); }), HasSubstr("return the values"));
  EXPECT_THAT(refusal_of([&] { pool.map(view, numbers(1)); }), HasSubstr("return the values"));
  EXPECT_THAT(refusal_of([&] { pool.map(span, numbers(1)); }), HasSubstr("return the values"));
  EXPECT_THAT(refusal_of([&] { pool.map(owner, numbers(1)); }), HasSubstr("serialize"));
  EXPECT_THAT(refusal_of([&] { pool.imap(view, numbers(1)).begin(); }), HasSubstr("return the values"));
  EXPECT_THAT(refusal_of([&] { pool.apply_async(pointer, 1); }), HasSubstr("pointer"));
}

struct Line {
  int number;
  const char* text;
};
struct Paragraph {
  double weight;
  std::array<Line, 2> lines;
};

TEST_P(Refusals, CoverResultsThatHidePointersAndViews) {
  static const char text[] = "text";
  Pool pool = make();
  const auto expect = [&](auto task) {
    if (can().carries_any_result) {
      EXPECT_EQ(pool.map(task, numbers(2)).size(), 2u);
      return;
    }
    EXPECT_THAT(refusal_of([&] { pool.map(task, numbers(2)); }), HasSubstr("return the values"));
    EXPECT_THAT(refusal_of([&] { pool.apply_async(task, 1); }), HasSubstr("return the values"));
  };
  expect([](int) { return std::optional<std::string_view>(text); });
  expect([](int) { return std::array<const char*, 2>{text, text}; });
  expect([](int) { return std::pair<int, const char*>(1, text); });
  expect([](int) { return std::tuple<double, std::span<const char>>(1, text); });
  expect([](int) { return std::variant<int, std::string_view>(text); });
  expect([](int) { return std::vector<const char*>{text}; });
  expect([](int) { return Line{1, text}; });
  expect([](int) { return Paragraph{0.5, {Line{1, text}, Line{2, text}}}; });
  expect([](int) { return std::vector<Line>{{1, text}}; });
  expect([](int x) { return std::reference_wrapper<const char>(text[x]); });
  expect([](int) { return std::vector<char>::const_iterator(); });
}

struct Reading {
  int sensor;
  std::array<double, 3> values;
  std::optional<int> quality;
  char unit[8];
};

TEST_P(Refusals, DoNotCoverPlainStructs) {
  Pool pool = make();
  const auto readings = pool.map([](int x) { return Reading{x, {0.5, x + 0.5}, x, "mm"}; }, numbers(3));
  EXPECT_EQ(readings[2].values[1], 2.5);
  EXPECT_EQ(readings[2].quality, 2);
}

TEST_P(Refusals, CoverInputsThatMustBeSentButCannot) {
  static const std::string text = "text";
  Pool pool = make();
  const std::vector<const std::string*> pointers{&text};
  const auto size = [](const std::string* each) { return each->size(); };
  EXPECT_EQ(pool.map(size, pointers)[0], 4u) << "a map that forks does not send its inputs";
  if (can().shares_memory) {
    EXPECT_EQ(*pool.imap(size, pointers).begin(), 4u);
    EXPECT_EQ(pool.apply(size, &text), 4u);
    return;
  }
  EXPECT_THAT(refusal_of([&] { pool.imap(size, pointers).begin(); }), HasSubstr("pass values"));
  EXPECT_THAT(refusal_of([&] { pool.map(size, pointers, {.standing = true}); }), HasSubstr("pass values"));
  EXPECT_THAT(refusal_of([&] { pool.apply_async(size, &text); }), HasSubstr("pointer"));
  const auto number = [](const Line& line) { return line.number; };
  const std::vector<Line> lines{{1, "a"}};
  EXPECT_THAT(refusal_of([&] { pool.imap(number, lines).begin(); }), HasSubstr("pass values"));
  EXPECT_THAT(refusal_of([&] { pool.map(number, lines, {.standing = true}); }), HasSubstr("pass values"));
  EXPECT_THAT(refusal_of([&] { pool.apply_async(number, lines[0]); }), HasSubstr("pointer"));
}

TEST_P(Refusals, CoverForkingWhileOtherThreadsRun) {
  Pool pool = make();
  const OtherThread other;
  if (can().shares_memory) {
    EXPECT_EQ(pool.map(counted, numbers(3)), numbers(3));
    return;
  }
  EXPECT_THAT(refusal_of([&] { pool.map(counted, numbers(3)); }), HasSubstr("threads_are_safe"));
  EXPECT_THAT(refusal_of([&] { pool.imap(counted, numbers(3)).begin(); }), HasSubstr("threads_are_safe"));
  EXPECT_EQ(pool.map(counted, numbers(3), {.threads_are_safe = true}), numbers(3));
  EXPECT_EQ(pool.map(counted, numbers(3), {.standing = true}), numbers(3));
  EXPECT_EQ(pool.apply(counted, 3), 3);
}

TEST_P(Refusals, CoverPersistentWorkersOfAPoolMadeWhileThreadsRan) {
  const auto other = std::make_unique<OtherThread>();
  Pool pool = make();
  if (can().shares_memory) {
    EXPECT_EQ(pool.apply(counted, 3), 3);
    return;
  }
  const char* const advice = "make it before the program starts threads";
  EXPECT_THAT(refusal_of([&] { pool.apply_async(counted, 3); }), HasSubstr(advice));
  EXPECT_THAT(refusal_of([&] { pool.map(counted, numbers(3), {.standing = true}); }), HasSubstr(advice));
  pool.wait();
}

TEST_P(Refusals, CoverTheParentsPersistentWorkersInsideAWorker) {
  Pool pool = make();
  const auto inner = [&](int x) { return pool.apply(counted, x); };
  if (can().shares_memory) {
    if (can().backend.kind != BackendKind::kSerial) return;
    EXPECT_EQ(pool.map(inner, numbers(3)), numbers(3));
    return;
  }
  try {
    pool.map(inner, numbers(2));
    FAIL() << "it was not refused";
  } catch (const TaskError& error) {
    EXPECT_THAT(error.message(), HasSubstr("make a Pool inside the task"));
  }
  EXPECT_EQ(pool.apply(counted, 4), 4);
}

}  // namespace
}  // namespace furrow::testing
