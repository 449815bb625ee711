// Maps of all kinds: their order, inputs and results.
#include <gmock/gmock.h>

#include <iterator>
#include <list>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "contract.hpp"

namespace furrow::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MapContract : public PoolContract {};
FURROW_ON_EVERY_BACKEND(MapContract);

TEST_P(MapContract, GivesResultsInTheOrderOfInputs) {
  Pool pool = make();
  const auto squares = pool.map([](int x) { return std::int64_t{x} * x; }, numbers(20'000));
  ASSERT_EQ(squares.size(), 20'000u);
  for (std::int64_t i = 0; i < 20'000; ++i) ASSERT_EQ(squares[static_cast<std::size_t>(i)], i * i);
}

TEST_P(MapContract, TakesEveryChunksize) {
  Pool pool = make();
  for (std::size_t chunksize : {1, 2, 7, 100, 1000, 5000})
    EXPECT_EQ(pool.map([](int x) { return x; }, numbers(1000), {.chunksize = chunksize}), numbers(1000))
        << chunksize;
}

TEST_P(MapContract, MapsNothingToNothing) {
  Pool pool = make();
  EXPECT_THAT(pool.map([](int x) { return x; }, std::vector<int>{}), IsEmpty());
  EXPECT_THAT(pool.try_map([](int x) { return x; }, std::list<int>{}), IsEmpty());
  pool.for_each([](int) {}, std::vector<int>{});
}

TEST_P(MapContract, MapsOneItem) {
  Pool pool = make();
  EXPECT_THAT(pool.map([](int x) { return x + 1; }, std::vector<int>{41}), ElementsAre(42));
}

TEST_P(MapContract, TakesForwardAndSinglePassRanges) {
  Pool pool = make();
  const auto twice = [](int x) { return 2 * x; };
  EXPECT_THAT(pool.map(twice, std::list<int>{1, 2, 3}), ElementsAre(2, 4, 6));
  EXPECT_THAT(pool.map(twice, std::set<int>{3, 1, 2}), ElementsAre(2, 4, 6));
  std::istringstream text("4 5 6");
  struct Words {
    std::istream& in;
    auto begin() const { return std::istream_iterator<int>(in); }
    auto end() const { return std::istream_iterator<int>(); }
  };
  EXPECT_THAT(pool.map(twice, Words{text}), ElementsAre(8, 10, 12));
}

TEST_P(MapContract, SeesCapturesAsTheyAreAtTheCall) {
  Pool pool = make();
  int offset = 1;
  const auto shifted = [&offset](int x) { return x + offset; };
  if (!can().takes_captures) {
    try {
      pool.map(shifted, std::vector<int>{1, 2});
      FAIL() << "nothing was thrown";
    } catch (const PoolError& error) {
      EXPECT_THAT(error.what(), HasSubstr("furrow::bind"));
    }
    return;
  }
  EXPECT_THAT(pool.map(shifted, std::vector<int>{1, 2}), ElementsAre(2, 3));
  offset = 10;
  EXPECT_THAT(pool.map(shifted, std::vector<int>{1, 2}), ElementsAre(11, 12));
}

TEST_P(MapContract, ReturnsStrings) {
  Pool pool = make();
  const auto words =
      pool.map([](int x) { return std::string(static_cast<std::size_t>(x), 'x'); }, numbers(300));
  for (std::size_t i = 0; i < 300; ++i) ASSERT_EQ(words[i].size(), i);
}

TEST_P(MapContract, ReturnsVectorsOfAnySize) {
  Pool pool = make();
  const std::vector<std::size_t> sizes{0, 1, 1000, 3'000'000, 17};
  const auto vectors = pool.map([](std::size_t n) { return std::vector<double>(n, 0.5); }, sizes);
  ASSERT_EQ(vectors.size(), sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    ASSERT_EQ(vectors[i].size(), sizes[i]);
    EXPECT_THAT(vectors[i], Each(0.5));
  }
}

TEST_P(MapContract, ReturnsBools) {
  Pool pool = make();
  const std::vector<bool> odd = pool.map([](int x) { return x % 2 == 1; }, numbers(10'001));
  for (std::size_t i = 0; i < odd.size(); ++i) ASSERT_EQ(odd[i], i % 2 == 1);
}

struct Celsius {
  explicit Celsius(double given) : degrees(given) {}
  double degrees;
};

TEST_P(MapContract, ReturnsTypesWithoutADefaultConstructor) {
  Pool pool = make();
  const auto measured = pool.map([](int x) { return Celsius(x); }, numbers(100));
  EXPECT_EQ(measured[99].degrees, 99.0);
}

TEST_P(MapContract, ReturnsPairsAndTuples) {
  Pool pool = make();
  const auto pairs = pool.map([](int x) { return std::pair(x, std::to_string(x)); }, numbers(50));
  EXPECT_EQ(pairs[49], (std::pair<int, std::string>(49, "49")));
  const auto tuples = pool.map([](int x) { return std::tuple(x, 0.5, std::vector<int>{x}); }, numbers(50));
  EXPECT_EQ(std::get<2>(tuples[7]), std::vector<int>{7});
}

TEST_P(MapContract, RefusesResultsThatItWouldHaveToSendButCannot) {
  Pool pool = make();
  static int target = 0;
  const auto pointer = [](int) { return &target; };
  const auto owner = [](int x) { return std::make_unique<int>(x); };
  if (can().carries_any_result) {
    EXPECT_THAT(pool.map(pointer, numbers(3)), Each(&target));
    EXPECT_EQ(*pool.map(owner, numbers(3))[2], 2);
  } else {
    EXPECT_THROW(pool.map(pointer, numbers(3)), PoolError);
    EXPECT_THROW(pool.map(owner, numbers(3)), PoolError);
  }
}

TEST_P(MapContract, CallsAFunctionWithoutResultForEachItem) {
  Pool pool = make();
  const SharedCounters calls(100);
  pool.map(furrow::bind([](const SharedCounters& all, int x) { ++all[static_cast<std::size_t>(x)]; }, calls),
           numbers(100));
  for (std::size_t i = 0; i < 100; ++i) ASSERT_EQ(calls[i], 1) << i;
}

TEST_P(MapContract, ForEachDropsResults) {
  Pool pool = make();
  const SharedCounters sum(1);
  pool.for_each(
      furrow::bind([](const SharedCounters& all, int x) { return std::make_unique<int>(all[0] += x); }, sum),
      numbers(101));
  EXPECT_EQ(sum[0], 5050);
}

TEST_P(MapContract, WritesToTheCallersVariablesOnlyInSharedMemory) {
  if (!can().takes_captures) return;
  Pool pool = make();
  std::vector<int> seen(10, -1);
  pool.for_each([&](int x) { seen[static_cast<std::size_t>(x)] = x; }, numbers(10));
  EXPECT_EQ(seen, can().shares_memory ? numbers(10) : std::vector<int>(10, -1));
}

TEST_P(MapContract, MapIntoWritesToTheGivenRange) {
  Pool pool = make();
  std::vector<double> out(12, -1.0);
  pool.map_into(
      out, [](int x) { return x / 2.0; }, numbers(10));
  EXPECT_EQ(out[9], 4.5);
  EXPECT_EQ(out[10], -1.0);
  EXPECT_THROW(pool.map_into(
                   out, [](int x) { return x; }, numbers(13)),
               std::length_error);
}

TEST_P(MapContract, StarmapUnpacksArguments) {
  Pool pool = make();
  const std::vector<std::tuple<int, std::string>> calls{{2, "a"}, {3, "b"}};
  const auto repeat = [](int n, const std::string& text) {
    std::string made;
    for (int i = 0; i < n; ++i) made += text;
    return made;
  };
  EXPECT_THAT(pool.starmap(repeat, calls), ElementsAre("aa", "bbb"));
  EXPECT_EQ(pool.try_starmap(repeat, calls)[1].value(), "bbb");
}

TEST_P(MapContract, TakesMutableInputsAndMemberFunctions) {
  Pool pool = make();
  const std::vector<std::string> words{"a", "bb", "ccc"};
  EXPECT_THAT(pool.map(&std::string::size, words), ElementsAre(1u, 2u, 3u));
}

TEST_P(MapContract, PassesOnTheExceptionOfAnInputIterator) {
  Pool pool = make();
  struct Broken {
    struct Iterator {
      using iterator_concept = std::input_iterator_tag;
      using value_type = int;
      using difference_type = std::ptrdiff_t;
      int at = 0;
      int operator*() const { return at < 5 ? at : throw std::domain_error("the file ends here"); }
      Iterator& operator++() {
        ++at;
        return *this;
      }
      void operator++(int) { ++at; }
      bool operator==(int end) const { return at == end; }
    };
    Iterator begin() const { return {}; }
    int end() const { return 10; }
  };
  EXPECT_THROW(pool.map([](int x) { return x; }, Broken{}), std::domain_error);
  EXPECT_THAT(pool.map([](int x) { return x; }, std::vector<int>{1}), ElementsAre(1));
}

TEST_P(MapContract, RunsTwoTasksAtATimeIfTheBackendCan) {
  Pool pool = make();
  const SharedCounters arrived(1);
  const auto wait_for_two = [](const SharedCounters& all, int) {
    ++all[0];
    for (int waited = 0; waited < 2000 && all[0] < 2; ++waited) sleep_ms(1);
    return all[0].load();
  };
  const auto meet = furrow::bind(wait_for_two, arrived);
  if (can().in_parallel) {
    EXPECT_THAT(pool.map(meet, numbers(2), {.chunksize = 1}), Each(2));
  }
}

TEST_P(MapContract, WorksAfterThePoolIsMoved) {
  Pool first = make();
  Pool second = std::move(first);
  EXPECT_THAT(second.map([](int x) { return x; }, std::vector<int>{7}), ElementsAre(7));
}

TEST_P(MapContract, RunsManyMapsInARow) {
  Pool pool = make();
  for (int i = 0; i < 50; ++i)
    ASSERT_THAT(pool.map(furrow::bind([](int a, int x) { return x + a; }, i), std::vector<int>{1, 2}),
                ElementsAre(1 + i, 2 + i));
}

TEST(PoolSize, IsRefusedIfImpossible) {
  EXPECT_THROW(Pool(threads(-1)), PoolError);
  EXPECT_THROW(Pool(threads(1'000'000)), PoolError);
}

}  // namespace
}  // namespace furrow::testing
