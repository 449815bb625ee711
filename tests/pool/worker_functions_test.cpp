// What workers run first and last, and the stack of threads: what concerns single backends.
#include <gmock/gmock.h>

#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "furrow/pool.hpp"
#include "shared_counters.hpp"

namespace furrow::testing {
namespace {

using ::testing::HasSubstr;

TEST(WorkerFunctions, WritesWhatAFinalizerThrows) {
  ::testing::internal::CaptureStderr();
  {
    PoolOptions options;
    options.finalizer = [] { throw std::runtime_error("the log is full"); };
    Pool pool(threads(1), options);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "furrow: the finalizer failed in worker 0: the log is full\n");
}

TEST(WorkerFunctions, AWorkerThatIsReplacedRunsTheFinalizer) {
  const SharedCounters counters(1);
  {
    PoolOptions options;
    options.max_tasks_per_child = 5;
    options.finalizer = [&counters] { ++counters[0]; };
    Pool pool(processes(1), options);
    for (int i = 0; i < 20; ++i) pool.apply([](int x) { return x; }, i);
  }
  EXPECT_GE(counters[0], 4);
}

TEST(WorkerFunctions, AWorkerThatCrashesOrCouldNotBeginRunsNoFinalizer) {
  const SharedCounters counters(1);
  PoolOptions options;
  options.finalizer = [&counters] { ++counters[0]; };
  {
    Pool pool(processes(1), options);
    EXPECT_FALSE(pool.try_map([](int) { std::abort(); }, std::vector<int>{1}).front().ok());
  }
  EXPECT_LE(counters[0], 1);  // of the worker that came after it
  counters[0] = 0;
  options.initializer = [] { throw std::runtime_error("no licence"); };
  EXPECT_THROW(Pool(threads(2), options), PoolError);
  EXPECT_EQ(counters[0], 0);
}

// Uses some BYTES of the stack.
int use_stack(std::size_t bytes) {
  volatile char page[4096];
  page[0] = static_cast<char>(bytes);
  return bytes < sizeof page ? page[0] : use_stack(bytes - sizeof page) + (page[0] == 'x');
}

TEST(WorkerFunctions, ThreadsHaveTheStackThatWasAskedFor) {
  PoolOptions options;
  options.stack_size = std::size_t{256} << 20;
  Pool pool(threads(2), options);
  EXPECT_EQ(pool.map([](std::size_t bytes) { return use_stack(bytes) != -1; },
                     std::vector<std::size_t>(8, std::size_t{100} << 20)),
            std::vector<bool>(8, true));
}

TEST(WorkerFunctions, RefusesAStackThatIsTooSmallOrNotOfThreads) {
  PoolOptions options;
  options.stack_size = 1;
  try {
    Pool pool(threads(1), options);
    FAIL() << "nothing was thrown";
  } catch (const PoolError& error) {
    EXPECT_THAT(error.what(), HasSubstr("stack_size is 1 bytes, too few"));
  }
  for (const Backend& backend : {serial(), processes(1), async(1)}) {
    try {
      Pool pool(backend, options);
      FAIL() << "nothing was thrown";
    } catch (const PoolError& error) {
      EXPECT_THAT(error.what(), HasSubstr("stack_size is for threads"));
    }
  }
}

}  // namespace
}  // namespace furrow::testing
