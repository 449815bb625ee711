// Errors before a task begins or after it has ended, on every way that tasks reach worker processes; and
// workers that are replaced after each task.
#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <ostream>
#include <string>

#include "contract.hpp"

namespace furrow::testing {

// A result that fails to be encoded or decoded for some numbers.
struct Fragile {
  static constexpr int kNotWritten = 3, kNotRead = 5, kDiesWhileWritten = 7;
  int number = 0;
  std::string text{};
};

}  // namespace furrow::testing

template <>
struct furrow::Codec<furrow::testing::Fragile> {
  using Fragile = testing::Fragile;
  static void encode(Writer& writer, const Fragile& value) {
    writer.write(&value.number, sizeof value.number);
    Codec<std::string>::encode(writer, value.text);
    if (value.number == Fragile::kNotWritten) throw std::length_error("it does not fit");
    if (value.number == Fragile::kDiesWhileWritten) ::raise(SIGKILL);
    Codec<std::string>::encode(writer, value.text);
  }
  static Fragile decode(Reader& reader) {
    Fragile made;
    reader.read(&made.number, sizeof made.number);
    made.text = Codec<std::string>::decode(reader);
    if (made.number == Fragile::kNotRead) throw std::runtime_error("it makes no sense");
    made.text += Codec<std::string>::decode(reader);
    return made;
  }
};

namespace furrow::testing {
namespace {

using ::testing::HasSubstr;

std::vector<int> items(int count) {
  std::vector<int> made(static_cast<std::size_t>(count));
  std::iota(made.begin(), made.end(), 0);
  return made;
}

enum class Path { kMap, kSingly, kPersistent, kImap, kImapUnordered, kCalls };

void PrintTo(Path path, std::ostream* out) {
  constexpr const char* kNames[] = {"map", "map_singly", "persistent", "imap", "imap_unordered", "calls"};
  *out << kNames[static_cast<int>(path)];
}

// The outcome of each item, by any path.
template <class F, class R = std::invoke_result_t<F, int>>
std::vector<Outcome<R>> outcomes_of(Pool& pool, Path path, const F& f, int count) {
  std::vector<Outcome<R>> made(static_cast<std::size_t>(count));
  const auto take_stream = [&](auto&& stream) {
    std::optional<decltype(stream.begin())> at;
    const auto step = [&] {
      for (;;) {
        try {
          if (at)
            ++*at;
          else
            at.emplace(stream.begin());
          return;
        } catch (const TaskError& error) {
          made[error.index()] = Outcome<R>(error.failure());
        }
      }
    };
    for (step(); *at != stream.end(); step()) made[stream.index()] = Outcome<R>(R(**at));
  };
  switch (path) {
    case Path::kMap:
      return pool.try_map(f, items(count));
    case Path::kSingly:
      return pool.try_map(f, items(count), {.chunksize = 1});
    case Path::kPersistent:
      return pool.try_map(f, items(count), {.standing = true});
    case Path::kImap:
      take_stream(pool.imap(f, items(count)));
      break;
    case Path::kImapUnordered:
      take_stream(pool.imap_unordered(f, items(count)));
      break;
    case Path::kCalls: {
      std::vector<Future<R>> futures;
      for (int i = 0; i < count; ++i) futures.push_back(pool.apply_async(f, i));
      for (int i = 0; i < count; ++i)
        made[static_cast<std::size_t>(i)] = futures[static_cast<std::size_t>(i)].outcome();
      break;
    }
  }
  return made;
}

class AroundTasks : public ::testing::TestWithParam<std::tuple<Path, int>> {
 protected:
  Path path() const { return std::get<0>(GetParam()); }
  Backend backend() const { return processes(std::get<1>(GetParam())); }
};

TEST_P(AroundTasks, LoseOnlyTheItemWhoseResultIsLost) {
  for (const std::size_t size : {10u, 30'000u, 2'000'000u}) {
    static std::size_t text_size;
    text_size = size;
    Pool pool{backend()};
    const auto outcomes = outcomes_of(
        pool, path(),
        [](int x) {
          return Fragile{x, std::string(text_size, 'f')};
        },
        10);
    for (int i = 0; i < 10; ++i) {
      const auto& each = outcomes[static_cast<std::size_t>(i)];
      const bool lost = i == Fragile::kNotWritten || i == Fragile::kNotRead;
      ASSERT_EQ(each.ok(), !lost && i != Fragile::kDiesWhileWritten) << i;
      if (lost) {
        EXPECT_EQ(each.failure().kind, FailureKind::kLost) << i << ": " << each.failure().message;
        EXPECT_THAT(each.failure().message,
                    HasSubstr(i == Fragile::kNotRead ? "it makes no sense" : "it does not fit"));
      } else if (each.ok()) {
        EXPECT_EQ(each.value().text.size(), 2 * size);
      } else {
        EXPECT_EQ(each.failure().kind, FailureKind::kDied);
        EXPECT_EQ(each.failure().signal, SIGKILL);
      }
    }
  }
}

// Both are reported as errors, and the Pool does not hang, now or later.
TEST_P(AroundTasks, ReportAnInitializerThatThrowsOrDies) {
  for (const bool dies : {false, true}) {
    Pool pool{backend(), {.initializer = [dies] {
                if (dies) ::raise(SIGKILL);
                throw std::runtime_error("no licence");
              }}};
    for (int round = 0; round < 2; ++round) {
      std::string said;
      try {
        const auto outcomes = outcomes_of(
            pool, path(), [](int x) { return x; }, 10);
        for (const auto& each : outcomes) {
          ASSERT_FALSE(each.ok());
          said = each.failure().message;
        }
      } catch (const PoolError& error) {
        said = error.what();
      }
      EXPECT_THAT(said, HasSubstr("the initializer failed"));
      EXPECT_THAT(said, HasSubstr(dies ? "signal 9" : "no licence"));
    }
  }
}

// One worker already runs tasks when the initializer of another fails.
TEST_P(AroundTasks, ReportAnInitializerThatFailsLate) {
  const SharedCounters begun(1);
  Pool pool{backend(), {.initializer = [&begun] {
              if (begun[0]++ == 0) return;
              sleep_ms(20);
              throw std::runtime_error("only one licence");
            }}};
  const auto slow = [](int x) {
    sleep_ms(4);
    return x;
  };
  for (int round = 0; round < 3; ++round) {
    try {
      for (const auto& each : outcomes_of(pool, path(), slow, 40))
        if (!each.ok()) {
          EXPECT_THAT(each.failure().message, HasSubstr("only one licence"));
        }
    } catch (const PoolError& error) {
      EXPECT_THAT(error.what(), HasSubstr("only one licence"));
    }
  }
}

TEST_P(AroundTasks, LoseNothingWhenWorkersAreReplacedAfterEachTask) {
  Pool pool{backend(), {.max_tasks_per_child = 1}};
  const auto outcomes = outcomes_of(
      pool, path(), [](int x) { return std::to_string(x); }, 30);
  for (int i = 0; i < 30; ++i)
    ASSERT_EQ(outcomes[static_cast<std::size_t>(i)].value(), std::to_string(i)) << i;
}

std::string label(const ::testing::TestParamInfo<std::tuple<Path, int>>& each) {
  return ::testing::PrintToString(std::get<0>(each.param)) + "_" + std::to_string(std::get<1>(each.param));
}

INSTANTIATE_TEST_SUITE_P(Of, AroundTasks,
                         ::testing::Combine(::testing::Values(Path::kMap, Path::kSingly, Path::kPersistent,
                                                              Path::kImap, Path::kImapUnordered,
                                                              Path::kCalls),
                                            ::testing::Values(1, 3)),
                         label);

}  // namespace
}  // namespace furrow::testing
