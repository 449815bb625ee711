#include "pool/threads/task_queues.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
#include <vector>

namespace furrow::pool {
namespace {

struct Task final : detail::TaskNode {
  explicit Task(bool with_result = true) : kept(with_result) {}
  void execute(int) noexcept override { ++runs; }
  void drop() noexcept override {}
  bool is_kept() const noexcept override { return kept; }
  bool kept;
  std::atomic<int> runs{0};
};

class TaskQueuesTest : public ::testing::Test {
 protected:
  Task* push(int worker, bool kept = true) {
    queues.push(&tasks.emplace_back(kept), worker);
    return &tasks.back();
  }
  std::deque<Task> tasks{};
  TaskQueues queues{3};
};

TEST_F(TaskQueuesTest, AWorkerTakesItsNewestThenTheOldestCommonOneThenTheOldestOfOthers) {
  Task* const older = push(0);
  Task* const newer = push(0);
  Task* const first_common = push(TaskQueues::kNoWorker);
  Task* const second_common = push(TaskQueues::kNoWorker);
  Task* const first_other = push(2);
  Task* const second_other = push(2);
  EXPECT_EQ(queues.size(), 6u);
  for (Task* expected : {newer, older, first_common, second_common, first_other, second_other})
    EXPECT_EQ(queues.take(0), expected);
  EXPECT_EQ(queues.take(0), nullptr);
  EXPECT_EQ(queues.counts().taken, 6u);
}

TEST_F(TaskQueuesTest, AWorkerThatAlwaysHasTasksOfItsOwnTakesCommonOnes) {
  Task* const common = push(TaskQueues::kNoWorker);
  int turns = 0;
  for (detail::TaskNode* taken = nullptr; taken != common; ++turns) {
    ASSERT_LT(turns, 100);
    push(1);
    taken = queues.take(1);
  }
}

TEST_F(TaskQueuesTest, ManyCommonTasksAreTakenInTheirOrder) {
  std::vector<Task*> pushed;
  for (int i = 0; i < 200; ++i) pushed.push_back(push(TaskQueues::kNoWorker));
  for (Task* each : pushed) ASSERT_EQ(queues.take(1), each);
  EXPECT_EQ(queues.take(1), nullptr);
  EXPECT_EQ(queues.counts().taken, 200u);
}

TEST_F(TaskQueuesTest, TasksThatAWorkerKeepsBehindALongOneAreTakenByOthersWhileMoreCome) {
  std::vector<Task*> first;
  for (int i = 0; i < 100; ++i) first.push_back(push(TaskQueues::kNoWorker));
  queues.take(0);  // and this worker does not come again
  const auto waiting = [&] { return queues.counts().waiting; };
  std::vector<detail::TaskNode*> taken;
  for (int turns = 0; turns < 300; ++turns) {
    while (waiting() < 100) push(TaskQueues::kNoWorker);
    taken.push_back(queues.take(1));
  }
  for (std::size_t i = 1; i < first.size(); ++i)
    EXPECT_TRUE(std::ranges::find(taken, first[i]) != taken.end()) << "task " << i << " was left behind";
}

TEST_F(TaskQueuesTest, ATaskThatWasTakenWithOthersCanBeRemoved) {
  std::vector<Task*> pushed;
  for (int i = 0; i < 100; ++i) pushed.push_back(push(TaskQueues::kNoWorker));
  queues.take(2);
  for (std::size_t i = 1; i < pushed.size(); i += 2) EXPECT_TRUE(queues.remove(pushed[i]));
  for (std::size_t i = 2; i < pushed.size(); i += 2) EXPECT_EQ(queues.take(2), pushed[i]);
  EXPECT_EQ(queues.size(), 0u);
}

TEST_F(TaskQueuesTest, ATaskIsRemovedOnce) {
  Task* const first = push(1);
  Task* const middle = push(1);
  Task* const last = push(1);
  EXPECT_TRUE(queues.remove(middle));
  EXPECT_FALSE(queues.remove(middle));
  EXPECT_EQ(queues.take(0), first);
  EXPECT_FALSE(queues.remove(first));
  EXPECT_EQ(queues.take(0), last);
  EXPECT_EQ(queues.counts().waiting, 0u);
  EXPECT_EQ(queues.counts().taken, 2u);
  queues.push(middle, 2);
  EXPECT_EQ(queues.take(1), middle);
}

TEST_F(TaskQueuesTest, AllThatIsLeftIsRemovedAsOneList) {
  const std::vector<detail::TaskNode*> pushed{push(TaskQueues::kNoWorker), push(0), push(0), push(2)};
  std::vector<detail::TaskNode*> removed;
  for (detail::TaskNode* each = queues.remove_all(); each; each = each->next) removed.push_back(each);
  EXPECT_EQ(removed, pushed);
  EXPECT_FALSE(queues.remove(pushed[0]));
  EXPECT_FALSE(queues.has_any());
  EXPECT_EQ(queues.counts().waiting, 0u);
  EXPECT_EQ(queues.counts().taken, 0u);
}

TEST_F(TaskQueuesTest, TasksWithoutAResultAreGivenAloneWhenAsked) {
  push(0);
  Task* const unkept = push(0, false);
  push(0);
  Task* const common = push(TaskQueues::kNoWorker, false);
  queues.give_only_unkept();
  EXPECT_TRUE(queues.prefer_unkept());
  EXPECT_TRUE(queues.has_any());
  EXPECT_EQ(queues.take(0), unkept);
  EXPECT_EQ(queues.take(0), common);
  EXPECT_EQ(queues.take(0), nullptr);
  EXPECT_FALSE(queues.prefer_unkept());
  EXPECT_FALSE(queues.has_any());
  EXPECT_EQ(queues.size(), 2u);
}

TEST_F(TaskQueuesTest, EachTaskIsTakenOrRemovedOnceWhateverThreadsDo) {
  constexpr int kTasks = 20'000;
  for (int i = 0; i < kTasks; ++i) tasks.emplace_back();
  std::atomic<int> taken{0}, removed{0};
  const auto work = [&](int worker) {
    for (int i = worker; i < kTasks; i += 3) {
      queues.push(&tasks[static_cast<std::size_t>(i)], i % 7 < 5 ? TaskQueues::kNoWorker : worker);
      if (i % 1000 < 500) continue;  // so that many common tasks wait
      if (i % 2 == 0 && queues.remove(&tasks[static_cast<std::size_t>(i)])) {
        tasks[static_cast<std::size_t>(i)].execute(worker);
        ++removed;
        ++taken;
      }
      if (detail::TaskNode* task = queues.take(worker)) {
        task->execute(worker);
        ++taken;
      }
    }
    while (taken.load() < kTasks)
      if (detail::TaskNode* task = queues.take(worker)) {
        task->execute(worker);
        ++taken;
      }
  };
  {
    std::vector<std::jthread> threads;
    for (int worker = 0; worker < 3; ++worker) threads.emplace_back(work, worker);
  }
  for (const Task& each : tasks) ASSERT_EQ(each.runs, 1);
  EXPECT_EQ(queues.counts().taken + static_cast<std::uint64_t>(removed), static_cast<std::uint64_t>(kTasks));
}

}  // namespace
}  // namespace furrow::pool
