// The progress that the caller of a map sees.
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <string>
#include <thread>

#include "furrow/pool.hpp"
#include "support/print_backend.hpp"
#include "support/temporary_folder.hpp"

namespace furrow {
namespace {

class ProgressOn : public testing::TestWithParam<Backend> {
 protected:
  ProgressOn() : pool(GetParam()), xs(100) { std::iota(xs.begin(), xs.end(), 0); }
  MapOptions counting() {
    return {.progress = [this](const ProgressUpdate& update) {
      last = update;
      ++updates;
      if (std::this_thread::get_id() != caller) elsewhere = true;
    }};
  }

  Pool pool;
  std::vector<int> xs;
  ProgressUpdate last;
  std::atomic<int> updates{0};
  bool elsewhere = false;
  const std::thread::id caller = std::this_thread::get_id();
};

TEST_P(ProgressOn, IsReportedAtTheEnd) {
  pool.map([](int x) { return x; }, xs, counting());
  EXPECT_EQ(updates, 1);
  EXPECT_EQ(last.done, 100u);
  EXPECT_EQ(last.failed, 0u);
  EXPECT_EQ(last.total, 100u);
  EXPECT_FALSE(elsewhere);
}

TEST_P(ProgressOn, IsReportedAtTheEndOfAMapThatThrows) {
  const auto f = [](int x) {
    if (x < 3) throw std::runtime_error("no");
    return x;
  };
  EXPECT_THROW(pool.map(f, xs, counting()), std::runtime_error);
  EXPECT_EQ(last.done, 97u);
  EXPECT_EQ(last.failed, 3u);
}

TEST_P(ProgressOn, IsReportedWhileTheMapRuns) {
  const MapOptions options = counting();
  // Serial cannot report while a task runs, but it does between two tasks.
  pool.for_each([](int) { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }, xs, options);
  EXPECT_GT(updates, 1);
  EXPECT_FALSE(elsewhere);
}

// The last report of a worker may come after the last result.
TEST_P(ProgressOn, CountsTheLastChunkOfManySmallMaps) {
  xs.resize(3);
  for (int i = 0; i < 300; ++i) {
    pool.map([](int x) { return x; }, xs, counting());
    ASSERT_EQ(last.done, 3u) << i;
  }
}

TEST_P(ProgressOn, CountsItemsOfAReduction) {
  std::vector<int> many(10000, 1);
  pool.map_reduce([](int x) { return x; }, std::plus<>{}, many, counting());
  EXPECT_EQ(last.done, 10000u);
  EXPECT_EQ(last.total, 10000u);
}

TEST_P(ProgressOn, CountsResultsFromAResumeFile) {
  const support::TemporaryFolder folder;
  MapOptions options = counting();
  options.resume = {"file", "f"};
  const auto f = [](int x) { return x; };
  pool.map(f, xs, options);
  pool.map(f, xs, options);
  EXPECT_EQ(last.done, 100u);
}

TEST_P(ProgressOn, AnExceptionInTheCallbackEndsTheMap) {
  const auto f = [](int x) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return x;
  };
  const MapOptions options{.progress = [](const ProgressUpdate&) { throw std::logic_error("enough"); }};
  EXPECT_THROW(pool.map(f, std::vector<int>(100000), options), std::logic_error);
  EXPECT_EQ(pool.map([](int x) { return x; }, xs).size(), 100u);
}

TEST_P(ProgressOn, IsReportedWhileAStreamIsRead) {
  {
    auto range = pool.imap([](int x) { return x; }, xs, counting());
    for (int y : range) (void)y;
  }
  EXPECT_EQ(last.done, 100u);
  EXPECT_EQ(last.total, 0u);
}

std::vector<Backend> backends() {
  std::vector<Backend> all{serial(), threads(1), threads(2)};
  for (const Backend& more : {processes(2), async(2)}) {
    try {
      Pool pool(more);
      all.push_back(more);
    } catch (const PoolError&) {
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Backends, ProgressOn, testing::ValuesIn(backends()), [](const auto& param) {
  return std::string(name(param.param.kind)) + std::to_string(param.param.workers);
});

// What a program that maps with a progress bar writes to its standard error: a terminal, or a pipe.
std::string standard_error_of_a_map(bool terminal) {
  int fd = -1, other = -1;
  if (terminal) {
    EXPECT_EQ(::openpty(&fd, &other, nullptr, nullptr, nullptr), 0);
  } else {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    fd = ends[0];
    other = ends[1];
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(other, STDERR_FILENO);
    ::close(fd);
    ::close(other);
    Pool(serial()).for_each([](int) { std::this_thread::sleep_for(std::chrono::milliseconds(20)); },
                            std::vector<int>(20), {.progress = true});
    ::_exit(0);
  }
  ::close(other);
  std::string text;
  char part[4096];
  for (ssize_t n; (n = ::read(fd, part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(n));
  ::close(fd);
  ::waitpid(child, nullptr, 0);
  return text;
}

TEST(ProgressBar, ShowsTheCountAndIsErasedAtTheEnd) {
  const std::string text = standard_error_of_a_map(true);
  EXPECT_NE(text.find("/20"), std::string::npos) << text;
  EXPECT_NE(text.find("left"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\r\x1b[K")) << text;
}

TEST(ProgressBar, WritesNothingWithoutATerminal) { EXPECT_EQ(standard_error_of_a_map(false), ""); }

}  // namespace
}  // namespace furrow
