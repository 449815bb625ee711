// What workers run first and last.
#include <stdexcept>
#include <vector>

#include "contract.hpp"
#include "shared_counters.hpp"

namespace furrow::testing {
namespace {

class WorkerFunctionsContract : public PoolContract {
 protected:
  // The first two count the initializers and finalizers that have run, the third the tasks.
  SharedCounters counters{3};

  PoolOptions counting() const {
    PoolOptions options;
    options.initializer = bind([](const SharedCounters& in) { ++in[0]; }, counters);
    options.finalizer = bind([](const SharedCounters& in) { ++in[1]; }, counters);
    return options;
  }
  // Workers on other ranks end a little later than their Pool.
  int finalizers(int wanted) const {
    for (int i = 0; i < 500 && counters[1] < wanted; ++i) sleep_ms(10);
    return counters[1];
  }
};
FURROW_ON_EVERY_BACKEND(WorkerFunctionsContract);

TEST_P(WorkerFunctionsContract, EachWorkerThatEndsRunsTheFinalizerOnce) {
  {
    Pool pool = make(counting());
    std::vector<Future<int>> calls;
    for (int i = 0; i < 20; ++i) calls.push_back(pool.apply_async([](int x) { return x; }, i));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(calls[static_cast<std::size_t>(i)].get(), i);
    if (can().shares_memory) {
      EXPECT_EQ(counters[1], 0);
    }
  }
  EXPECT_GE(counters[0], 1);
  EXPECT_EQ(finalizers(counters[0]), counters[0]);
}

TEST_P(WorkerFunctionsContract, TheFinalizerRunsAfterTheLastTask) {
  {
    PoolOptions options;
    options.finalizer =
        bind([](const SharedCounters& in) { in[1] += in[2].load() == 30 ? 1 : 100; }, counters);
    Pool pool = make(options);
    std::vector<Future<void>> calls;
    for (int i = 0; i < 30; ++i)
      calls.push_back(pool.apply_async(
          [](const SharedCounters& in) {
            sleep_ms(1);
            ++in[2];
          },
          counters));
    for (auto& each : calls) each.get();
  }
  EXPECT_GE(finalizers(1), 1);
  EXPECT_LT(counters[1], 100);
}

TEST_P(WorkerFunctionsContract, AFinalizerThatThrowsHarmsNothing) {
  PoolOptions options;
  options.finalizer = [] { throw std::runtime_error("the log is full"); };
  Pool pool = make(options);
  EXPECT_EQ(pool.apply([](int x) { return x + 1; }, 1), 2);
  EXPECT_EQ(pool.map([](int x) { return -x; }, numbers(3)), (std::vector<int>{0, -1, -2}));
}

}  // namespace
}  // namespace furrow::testing
