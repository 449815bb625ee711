#include "pool/messages/message_workers.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <map>

namespace furrow::pool {
namespace {

constexpr std::uint64_t kBad = 50;  // the index at which the worker dies

// Writes the results of a message as one block; each result is its index times ten.
class Blocks : public MessageHandler {
 public:
  explicit Blocks(std::atomic<std::uint64_t>& times) : times_(times) {}
  void begin(const WorkerContext&) override {}
  void handle(const MessageHead& head, bool, ValueReader&, const WorkerContext& context) override {
    const std::size_t size = (head.end - head.begin) * sizeof(std::uint64_t);
    std::byte* const block = context.outbox.reserve(size, sizeof(std::uint64_t));
    context.slot.block.open(head.begin, static_cast<std::uint64_t>(block - context.outbox.memory()));
    for (std::uint64_t index = head.begin; index < head.end; ++index) {
      context.slot.published.publish(index);
      ++times_;
      if (index == kBad) ::kill(::getpid(), SIGKILL);
      const std::uint64_t result = index * 10;
      std::memcpy(block + (index - head.begin) * sizeof result, &result, sizeof result);
    }
    context.outbox.commit(head.begin, head.end - head.begin, size);
  }

 private:
  std::atomic<std::uint64_t>& times_;  // tasks run so far; in memory that all workers share
};

struct TestChunk : Chunk {
  void encode(std::uint64_t, std::uint64_t, Writer&) override {}
  void store(std::uint64_t, ValueReader&) override {}
  void store_block(std::uint64_t index, std::uint64_t count, std::span<const std::byte> bytes) override {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t result = 0;
      std::memcpy(&result, bytes.data() + i * sizeof result, sizeof result);
      results[index + i] = result;
    }
  }
  void failed(Failure failure, std::uint64_t index, int) override { failures[index] = std::move(failure); }
  void done(int, const Times&) override { over = true; }

  std::map<std::uint64_t, std::uint64_t> results{};
  std::map<std::uint64_t, Failure> failures{};
  bool over = false;
};

struct TestWorkers {
  explicit TestWorkers(int workers)
      : segment(std::move(*os::SharedMemory::create(4096))),
        times(*new(segment.data()) std::atomic<std::uint64_t>(0)),
        handler(times),
        processes(std::move(*os::SharedMemory::create(MessageWorkers::bytes_for(workers))), workers, options,
                  handler, true) {}
  void run(TestChunk& chunk, std::uint64_t begin, std::uint64_t end) {
    chunk.begin = begin;
    chunk.end = end;
    chunk.map = 1;
    processes.submit(&chunk);
    while (!chunk.over) processes.pump(100'000'000);
  }

  os::SharedMemory segment;
  std::atomic<std::uint64_t>& times;
  PoolOptions options{};
  Blocks handler;
  MessageWorkers processes;
};

TEST(MessageWorkers, TakesResultsInBlocks) {
  TestWorkers processes(2);
  TestChunk chunk;
  processes.run(chunk, 0, 40);
  EXPECT_EQ(chunk.results.size(), 40u);
  EXPECT_EQ(chunk.results[7], 70u);
  EXPECT_TRUE(chunk.failures.empty());
}

TEST(MessageWorkers, KeepsTheFinishedResultsInADeadWorkersBlock) {
  TestWorkers processes(1);
  TestChunk chunk;
  processes.run(chunk, 0, 100);
  EXPECT_EQ(chunk.failures.size(), 1u);
  EXPECT_EQ(chunk.failures[kBad].signal, SIGKILL);
  EXPECT_EQ(chunk.results.size(), 99u);
  EXPECT_EQ(chunk.results[kBad - 1], (kBad - 1) * 10);
  EXPECT_EQ(processes.times.load(), 100u);
}

TEST(MessageWorkers, CancellingAMapLeavesTheWorkersUsable) {
  TestWorkers processes(1);
  TestChunk first, second, other;
  first.begin = 0, first.end = 10, first.map = 1;
  second.begin = 10, second.end = 20, second.map = 1;
  processes.processes.submit(&first);
  processes.processes.submit(&second);
  processes.processes.cancel(1);
  while (!first.over || !second.over) processes.processes.pump(100'000'000);
  EXPECT_EQ(first.results.size() + first.failures.size(), 10u);
  EXPECT_EQ(second.results.size() + second.failures.size(), 10u);
  other.begin = 20, other.end = 30, other.map = 2;
  processes.processes.submit(&other);
  while (!other.over) processes.processes.pump(100'000'000);
  EXPECT_EQ(other.results.size(), 10u);
}

}  // namespace
}  // namespace furrow::pool
