// Every way to die in a task, combined with every way that tasks reach worker processes: the failure names
// the item, all other items are done, and the Pool stays usable. Each combination is a test with its own time
// limit.
#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <ostream>
#include <string>

#include "contract.hpp"

namespace furrow::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(thread_sanitizer) || __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

constexpr int kItems = 12;
constexpr int kVictim = 5;

enum class Harm {
  kSegfault,
  kStackOverflow,
  kOutOfMemory,
  kKill,
  kAbort,
  kQuickExit,
  kExit,
  kThrowsNoException,
  kThrowsHugeMessage,
  kThrowsMoveOnly,
  kThrowsInItsDestructor,
  kDiesInAnInnerPool,
};

// An exception that cannot be copied.
struct MoveOnly {
  MoveOnly() = default;
  MoveOnly(MoveOnly&&) = default;
  std::unique_ptr<int> owned = std::make_unique<int>(1);
};

struct ThrowsLate {
  ~ThrowsLate() noexcept(false) { throw std::range_error("late"); }
};

__attribute__((noinline)) int overflow(volatile int* before) {
  volatile int here[4096] = {};
  here[0] = before ? before[0] + 1 : 0;
  return here[0] < 0 ? 0 : overflow(here) + here[1];
}

// Fails as with a limit on memory: the allocation throws, and nothing catches the exception.
void run_out_of_memory() noexcept {
  volatile std::size_t most = ~std::size_t{0} >> 1;
  static void* volatile kept = ::operator new(most);
  static_cast<void>(kept);
}

void die_in_an_inner_pool() {
  Pool inner{processes(2)};
  inner.map([](int x) { return x == 1 ? ::kill(::getpid(), SIGKILL) : x; }, std::vector<int>{0, 1, 2});
}

template <Harm H>
void do_harm() {
  if constexpr (H == Harm::kSegfault) std::raise(SIGSEGV);
  if constexpr (H == Harm::kStackOverflow) overflow(nullptr);
  if constexpr (H == Harm::kOutOfMemory) run_out_of_memory();
  if constexpr (H == Harm::kThrowsMoveOnly) throw MoveOnly();
  if constexpr (H == Harm::kThrowsInItsDestructor) (void)ThrowsLate{};
  if constexpr (H == Harm::kDiesInAnInnerPool) die_in_an_inner_pool();
  if constexpr (H == Harm::kKill) ::kill(::getpid(), SIGKILL);
  if constexpr (H == Harm::kAbort) std::abort();
  if constexpr (H == Harm::kQuickExit) ::_exit(3);
  if constexpr (H == Harm::kExit) std::exit(4);
  if constexpr (H == Harm::kThrowsNoException) throw "a string literal";
  if constexpr (H == Harm::kThrowsHugeMessage) throw std::runtime_error(std::string(3'000'000, 'x'));
}

// Without captures, so that they can be sent on every path.
template <Harm H>
struct PlainTask {
  int operator()(int x) const {
    if (x == kVictim) do_harm<H>();
    return x;
  }
};
template <Harm H>
struct TextTask {
  std::string operator()(int x) const {
    if (x == kVictim) do_harm<H>();
    return std::string(50'000, static_cast<char>('a' + x));
  }
};

// What came back by a path: the number of results, and the failures.
struct Report {
  int results = 0;
  std::vector<Failure> failures{};
};

std::vector<int> items() {
  std::vector<int> made(kItems);
  std::iota(made.begin(), made.end(), 0);
  return made;
}

template <class Task>
Report by_try_map(Pool& pool, MapOptions options) {
  Report report;
  for (auto& each : pool.try_map(Task{}, items(), options)) {
    if (each.ok())
      ++report.results;
    else
      report.failures.push_back(each.failure());
  }
  return report;
}

template <class Task>
Report report_by_throwing(const std::function<void()>& call) {
  Report report{kItems - 1, {}};
  try {
    call();
  } catch (const TaskError& error) {
    report.failures.push_back(error.failure());
  }
  return report;
}

template <class Stream>
Report by_stream(Stream&& stream) {
  Report report;
  const auto succeeds = [&](const auto& step) {
    try {
      step();
      return true;
    } catch (const TaskError& error) {
      report.failures.push_back(error.failure());
      return false;
    }
  };
  // In any order, the failure may be the first result.
  const bool has_first = succeeds([&] { static_cast<void>(stream.begin()); });
  auto each = stream.begin();
  const auto advance = [&] {
    while (!succeeds([&] { ++each; })) continue;
  };
  if (!has_first) advance();
  for (; each != stream.end(); advance()) ++report.results;
  return report;
}

template <class Task>
Report by_calls(Pool& pool) {
  Report report;
  std::vector<Future<std::invoke_result_t<Task, int>>> futures;
  for (int i : items()) futures.push_back(pool.apply_async(Task{}, i));
  for (std::size_t i = 0; i < kItems; ++i) {
    const auto outcome = futures[i].outcome();
    if (outcome.ok()) {
      ++report.results;
    } else {
      Failure failure = outcome.failure();
      failure.index = i;  // a call has no index of its own
      report.failures.push_back(failure);
    }
  }
  return report;
}

struct Path {
  const char* name;
  Report (*walk)(Pool&, Harm);
};

void PrintTo(const Path& path, std::ostream* out) { *out << path.name; }

template <template <Harm> class Task, class Walk>
Report for_harm(Harm harm, const Walk& walk) {
  switch (harm) {
    case Harm::kSegfault:
      return walk(Task<Harm::kSegfault>{});
    case Harm::kStackOverflow:
      return walk(Task<Harm::kStackOverflow>{});
    case Harm::kOutOfMemory:
      return walk(Task<Harm::kOutOfMemory>{});
    case Harm::kThrowsMoveOnly:
      return walk(Task<Harm::kThrowsMoveOnly>{});
    case Harm::kThrowsInItsDestructor:
      return walk(Task<Harm::kThrowsInItsDestructor>{});
    case Harm::kDiesInAnInnerPool:
      return walk(Task<Harm::kDiesInAnInnerPool>{});
    case Harm::kKill:
      return walk(Task<Harm::kKill>{});
    case Harm::kAbort:
      return walk(Task<Harm::kAbort>{});
    case Harm::kQuickExit:
      return walk(Task<Harm::kQuickExit>{});
    case Harm::kExit:
      return walk(Task<Harm::kExit>{});
    case Harm::kThrowsNoException:
      return walk(Task<Harm::kThrowsNoException>{});
    case Harm::kThrowsHugeMessage:
      return walk(Task<Harm::kThrowsHugeMessage>{});
  }
  return {};
}

template <template <Harm> class Task>
constexpr auto kTryMap = [](Pool& pool, Harm harm) {
  return for_harm<Task>(harm, [&](auto task) { return by_try_map<decltype(task)>(pool, {}); });
};
template <template <Harm> class Task>
constexpr auto kSingly = [](Pool& pool, Harm harm) {
  return for_harm<Task>(harm, [&](auto task) { return by_try_map<decltype(task)>(pool, {.chunksize = 1}); });
};
template <template <Harm> class Task>
constexpr auto kPersistent = [](Pool& pool, Harm harm) {
  return for_harm<Task>(harm,
                        [&](auto task) { return by_try_map<decltype(task)>(pool, {.standing = true}); });
};
template <template <Harm> class Task>
constexpr auto kImap = [](Pool& pool, Harm harm) {
  return for_harm<Task>(harm, [&](auto task) { return by_stream(pool.imap(task, items())); });
};
template <template <Harm> class Task>
constexpr auto kImapUnordered = [](Pool& pool, Harm harm) {
  return for_harm<Task>(harm, [&](auto task) { return by_stream(pool.imap_unordered(task, items())); });
};
template <template <Harm> class Task>
constexpr auto kCalls = [](Pool& pool, Harm harm) {
  return for_harm<Task>(harm, [&](auto task) { return by_calls<decltype(task)>(pool); });
};

const Path kPaths[] = {
    {"map_plain", [](Pool& pool, Harm harm) { return kTryMap<PlainTask>(pool, harm); }},
    {"map_text", [](Pool& pool, Harm harm) { return kTryMap<TextTask>(pool, harm); }},
    {"map_plain_singly", [](Pool& pool, Harm harm) { return kSingly<PlainTask>(pool, harm); }},
    {"map_text_singly", [](Pool& pool, Harm harm) { return kSingly<TextTask>(pool, harm); }},
    {"persistent_plain", [](Pool& pool, Harm harm) { return kPersistent<PlainTask>(pool, harm); }},
    {"persistent_text", [](Pool& pool, Harm harm) { return kPersistent<TextTask>(pool, harm); }},
    {"imap_plain", [](Pool& pool, Harm harm) { return kImap<PlainTask>(pool, harm); }},
    {"imap_text", [](Pool& pool, Harm harm) { return kImap<TextTask>(pool, harm); }},
    {"imap_unordered", [](Pool& pool, Harm harm) { return kImapUnordered<TextTask>(pool, harm); }},
    {"calls_plain", [](Pool& pool, Harm harm) { return kCalls<PlainTask>(pool, harm); }},
    {"calls_text", [](Pool& pool, Harm harm) { return kCalls<TextTask>(pool, harm); }},
    {"for_each",
     [](Pool& pool, Harm harm) {
       return for_harm<PlainTask>(harm, [&](auto task) {
         return report_by_throwing<decltype(task)>([&] { pool.for_each(task, items()); });
       });
     }},
    {"map_reduce",
     [](Pool& pool, Harm harm) {
       return for_harm<PlainTask>(harm, [&](auto task) {
         return report_by_throwing<decltype(task)>([&] { pool.map_reduce(task, std::plus<>{}, items()); });
       });
     }},
    {"map_fold",
     [](Pool& pool, Harm harm) {
       return for_harm<PlainTask>(harm, [&](auto task) {
         auto fold = [](int sum, const auto& item) { return sum + static_cast<int>(decltype(task){}(item)); };
         return report_by_throwing<decltype(task)>([&] { pool.map_fold(0, fold, std::plus<>{}, items()); });
       });
     }},
};

struct Expected {
  const char* name;
  Harm harm;
  FailureKind kind;
  int signal;
  int exit_status;
};

void PrintTo(const Expected& expected, std::ostream* out) { *out << expected.name; }

const Expected kHarms[] = {
    {"segfault", Harm::kSegfault, FailureKind::kDied, SIGSEGV, 0},
    {"stack_overflow", Harm::kStackOverflow, FailureKind::kDied, SIGSEGV, 0},
    {"out_of_memory", Harm::kOutOfMemory, FailureKind::kDied, SIGABRT, 0},
    {"throws_move_only", Harm::kThrowsMoveOnly, FailureKind::kException, 0, 0},
    {"throws_in_its_destructor", Harm::kThrowsInItsDestructor, FailureKind::kException, 0, 0},
    {"dies_in_an_inner_pool", Harm::kDiesInAnInnerPool, FailureKind::kException, 0, 0},
    {"kill", Harm::kKill, FailureKind::kDied, SIGKILL, 0},
    {"abort", Harm::kAbort, FailureKind::kDied, SIGABRT, 0},
    {"quick_exit", Harm::kQuickExit, FailureKind::kDied, 0, 3},
    {"exit", Harm::kExit, FailureKind::kDied, 0, 4},
    {"throws_no_exception", Harm::kThrowsNoException, FailureKind::kException, 0, 0},
    {"throws_huge_message", Harm::kThrowsHugeMessage, FailureKind::kException, 0, 0},
};

class CrashMatrix : public ::testing::TestWithParam<std::tuple<Path, Expected, Capabilities>> {};

TEST_P(CrashMatrix, FailsOnlyTheItemOfTheHarmfulTask) {
  const auto& [path, expected, can] = GetParam();
  Pool pool{can.backend};
  for (int round = 0; round < 2; ++round) {
    const Report report = path.walk(pool, expected.harm);
    EXPECT_EQ(report.results, kItems - 1);
    ASSERT_EQ(report.failures.size(), 1u);
    EXPECT_EQ(report.failures[0].index, std::uint64_t{kVictim});
    EXPECT_EQ(report.failures[0].kind, expected.kind) << report.failures[0].message;
    // A sanitizer turns some signals into exits.
    if (expected.kind == FailureKind::kDied && !kSanitized) {
      EXPECT_EQ(report.failures[0].signal, expected.signal);
      EXPECT_EQ(report.failures[0].exit_status, expected.exit_status);
    }
  }
  EXPECT_EQ(pool.map([](int x) { return x; }, items()), items());
}

std::vector<Capabilities> that_survive() {
  std::vector<Capabilities> found = all_backends();
  std::erase_if(found, [](const Capabilities& each) { return !each.survives_a_crash; });
  return found;
}

INSTANTIATE_TEST_SUITE_P(Of, CrashMatrix,
                         ::testing::Combine(::testing::ValuesIn(kPaths), ::testing::ValuesIn(kHarms),
                                            ::testing::ValuesIn(that_survive())),
                         [](const auto& each) {
                           return std::string(std::get<0>(each.param).name) + "_" +
                                  std::get<1>(each.param).name + "_" + std::get<2>(each.param).label();
                         });

}  // namespace
}  // namespace furrow::testing
