#include "furrow/shared_array.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <forward_list>
#include <fstream>
#include <numeric>
#include <ranges>
#include <vector>

namespace furrow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Point {
  double x, y;
  int label;
};

static_assert(std::ranges::contiguous_range<shared_array<double>>);
static_assert(std::ranges::sized_range<const shared_array<Point>>);
static_assert(std::is_nothrow_move_constructible_v<shared_array<int>> && sizeof(shared_array<int>) <= 24);
static_assert(std::is_base_of_v<std::bad_alloc, SharedMemoryError>);
static_assert(std::is_nothrow_copy_constructible_v<SharedMemoryError>);

template <class Body>
void in_child(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

long shared_kib() {  // shared memory that this process has touched
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssShmem:")) return std::stol(line.substr(9));
  return -1;
}

TEST(SharedArray, IsMadeFromSizesValuesAndRanges) {
  const shared_array<int> none;
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.data(), nullptr);
  EXPECT_EQ(none.begin(), none.end());
  EXPECT_TRUE(shared_array<int>(0).empty());
  EXPECT_THAT(shared_array<int>(3), ElementsAre(0, 0, 0));
  EXPECT_THAT(shared_array<int>(3, 7), ElementsAre(7, 7, 7));
  const std::vector<float> floats{1.5f, 2.5f};
  EXPECT_THAT(shared_array<double>(floats.begin(), floats.end()), ElementsAre(1.5, 2.5));
  EXPECT_THAT(shared_array<float>::of(floats), ElementsAre(1.5f, 2.5f));
  const std::forward_list<int> list{4, 5, 6};
  EXPECT_THAT(shared_array<int>(list.begin(), list.end()), ElementsAre(4, 5, 6));
  const auto numbers = std::views::iota(1, 4);
  EXPECT_THAT(shared_array<long>(numbers.begin(), numbers.end()), ElementsAre(1, 2, 3));
  const shared_array<Point> points(2, Point{1, 2, 3});
  EXPECT_EQ(points[1].label, 3);
}

TEST(SharedArray, CopiesShareTheirElements) {
  shared_array<int> first(10);
  const shared_array<int> second = first;
  EXPECT_EQ(first, second);
  second[9] = 5;
  EXPECT_EQ(first.back(), 5);
  int* const data = first.data();
  const shared_array<int> moved = std::move(first);
  EXPECT_EQ(moved.data(), data);
  EXPECT_NE(moved, shared_array<int>(10));
  shared_array<int> a(1, 1), b(2, 2);
  swap(a, b);
  EXPECT_EQ(a.size(), 2u);
  EXPECT_EQ(b.front(), 1);
}

TEST(SharedArray, ShowsTheWritesOfOneProcessToAll) {
  const shared_array<int> array(1'000'000, 1);
  for (int child = 0; child < 2; ++child) {
    in_child([&] {
      for (std::size_t i = child; i < array.size(); i += 2) array[i] += static_cast<int>(i % 10);
    });
  }
  for (std::size_t i = 0; i < array.size(); ++i) ASSERT_EQ(array[i], 1 + static_cast<int>(i % 10));
}

TEST(SharedArray, AtomicsWorkAcrossProcesses) {
  const shared_array<long> counter(1);
  const auto count = [&] {
    for (int i = 0; i < 10'000; ++i) std::atomic_ref(counter[0]).fetch_add(1);
  };
  const pid_t pid = ::fork();
  count();
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  EXPECT_EQ(counter[0], 20'000);
}

TEST(SharedArray, SurvivesAHandleDroppedInAChild) {
  shared_array<int> array(100'000, 3);
  in_child([&] { array = shared_array<int>(); });
  EXPECT_EQ(std::accumulate(array.begin(), array.end(), 0), 300'000);
}

TEST(SharedArray, ReleasesItsMemoryWithTheLastHandle) {
  const long before = shared_kib();
  {
    shared_array<char> array(32 << 20, 'x');
    const shared_array<char> other = array;
    array = {};
    EXPECT_GE(shared_kib() - before, 32 << 10);
    EXPECT_EQ(other.back(), 'x');
  }
  EXPECT_LT(shared_kib() - before, 1 << 10);
}

TEST(SharedArray, UsesNoMemoryForUntouchedPages) {
  const long before = shared_kib();
  const shared_array<char> array(32 << 20);
  EXPECT_LT(shared_kib() - before, 1 << 10);
  EXPECT_EQ(array[12'345'678], 0);
}

TEST(SharedArray, SaysWhenThereIsNotEnoughMemory) {
  for (const std::size_t size : {~std::size_t{0}, std::size_t{1} << 62, std::size_t{1} << 42}) {
    try {
      const shared_array<double> array(size);
      FAIL() << size;
    } catch (const std::bad_alloc& error) {
      EXPECT_THAT(error.what(), HasSubstr("shared_array: there is not enough memory for"));
    }
    EXPECT_THROW(shared_array<double>(size, 1.0), SharedMemoryError);
  }
}

}  // namespace
}  // namespace furrow
