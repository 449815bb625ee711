#include "furrow/detail/call_ending.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace furrow::detail {
namespace {

using Listener = CallEnding::Listener;
const auto nothing = [] {};

TEST(CallEnding, WithoutListenersIsDoneWhenItIsClosed) {
  CallEnding ending;
  EXPECT_FALSE(ending.is_done());
  EXPECT_EQ(ending.close(false, nothing), nullptr);
  EXPECT_TRUE(ending.is_done());
  EXPECT_FALSE(ending.is_cancelled());
}

TEST(CallEnding, WithListenersIsDoneWhenTheyHaveBeenCalled) {
  CallEnding ending;
  Listener first{}, second{}, late{};
  EXPECT_TRUE(ending.add(&first));
  EXPECT_TRUE(ending.add(&second));
  EXPECT_EQ(ending.left(), &second);
  EXPECT_EQ(ending.close(false, nothing), &second);
  EXPECT_EQ(second.next, &first);
  EXPECT_EQ(first.next, nullptr);
  EXPECT_FALSE(ending.is_done());
  EXPECT_FALSE(ending.add(&late));
  EXPECT_EQ(ending.left(), nullptr);
  ending.finish();
  EXPECT_TRUE(ending.is_done());
  EXPECT_FALSE(ending.add(&late));
}

TEST(CallEnding, IsCancelledOnceAndOnlyBeforeItIsClosed) {
  CallEnding ending;
  Listener listener{};
  ending.add(&listener);
  EXPECT_EQ(ending.begin_cancel(), CallEnding::Cancel::kNow);
  ending.end_cancel();
  EXPECT_EQ(ending.begin_cancel(), CallEnding::Cancel::kBefore);
  int made = 0;
  EXPECT_EQ(ending.close(false, [&] { ++made; }), &listener);
  EXPECT_EQ(made, 1);
  EXPECT_EQ(ending.begin_cancel(), CallEnding::Cancel::kTooLate);
  ending.finish();
  EXPECT_TRUE(ending.is_cancelled());
  EXPECT_EQ(ending.begin_cancel(), CallEnding::Cancel::kTooLate);
}

TEST(CallEnding, TheThreadThatCancelsMayCloseIt) {
  CallEnding ending;
  EXPECT_EQ(ending.begin_cancel(), CallEnding::Cancel::kNow);
  int made = 0;
  EXPECT_EQ(ending.close(true, [&] { ++made; }), nullptr);
  ending.end_cancel();
  EXPECT_EQ(made, 1);
  EXPECT_TRUE(ending.is_done());
  EXPECT_TRUE(ending.is_cancelled());
}

// Each waits, listens or cancels while another thread closes: all hear of the end, and a cancel that came in time is
// what the outcome says.
TEST(CallEnding, TellsAllThreadsWhateverTheyDo) {
  for (int round = 0; round < 2000; ++round) {
    CallEnding ending;
    Listener listener{};
    std::atomic<bool> using_it{false};
    bool cancelled_in_time = false, listens = false;
    int made = 0;
    {
      std::jthread waiter([&] {
        while (!ending.is_done()) ending.wait(-1);
      });
      std::jthread canceller([&] {
        if (ending.begin_cancel() != CallEnding::Cancel::kNow) return;
        cancelled_in_time = using_it = true;
        std::this_thread::yield();
        using_it = false;
        ending.end_cancel();
      });
      std::jthread hearer([&] { listens = ending.add(&listener); });
      Listener* const last = ending.close(false, [&] { ++made; });
      EXPECT_FALSE(using_it);
      if (last) ending.finish();
      hearer.join();
      EXPECT_EQ(last != nullptr, listens);
    }
    EXPECT_TRUE(ending.is_done());
    EXPECT_EQ(made, cancelled_in_time ? 1 : 0);
  }
}

}  // namespace
}  // namespace furrow::detail
