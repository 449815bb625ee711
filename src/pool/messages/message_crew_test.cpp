#include "pool/messages/message_crew.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <map>

namespace furrow::pool {
namespace {

constexpr std::uint64_t kBad = 50;  // the unit that goes wrong

// Results of a message in one block, each the unit's number times ten.
class Blocks : public MessageHandler {
 public:
  explicit Blocks(std::atomic<std::uint64_t>& times) : times_(times) {}
  void begin(const WorkerDesk&) override {}
  void handle(const MessageHead& head, bool, Reader&, const WorkerDesk& desk) override {
    const std::size_t size = (head.end - head.begin) * sizeof(std::uint64_t);
    std::byte* const block = desk.outbox.reserve(size, sizeof(std::uint64_t));
    desk.slot.block_at = static_cast<std::uint64_t>(block - desk.outbox.memory());
    desk.slot.block_unit = head.begin;
    for (std::uint64_t unit = head.begin; unit < head.end; ++unit) {
      desk.slot.published.store(unit);
      ++times_;
      if (unit == kBad) ::kill(::getpid(), SIGKILL);
      const std::uint64_t result = unit * 10;
      std::memcpy(block + (unit - head.begin) * sizeof result, &result, sizeof result);
    }
    desk.outbox.commit(head.begin, head.end - head.begin, size);
  }

 private:
  std::atomic<std::uint64_t>& times_;  // that a unit was run, in memory that all share
};

struct Stretch : Parcel {
  void encode(std::uint64_t, std::uint64_t, Writer&) override {}
  void store(std::uint64_t, Reader&) override {}
  void store_block(std::uint64_t unit, std::uint64_t count, std::span<const std::byte> bytes) override {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t result = 0;
      std::memcpy(&result, bytes.data() + i * sizeof result, sizeof result);
      results[unit + i] = result;
    }
  }
  void failed(Failure failure, std::uint64_t unit, int) override { failures[unit] = std::move(failure); }
  void done(int, const Times&) override { over = true; }

  std::map<std::uint64_t, std::uint64_t> results{};
  std::map<std::uint64_t, Failure> failures{};
  bool over = false;
};

struct Crew {
  explicit Crew(int workers)
      : segment(std::move(*os::SharedMemory::create(4096))),
        times(*new(segment.data()) std::atomic<std::uint64_t>(0)),
        handler(times),
        crew(std::move(*os::SharedMemory::create(MessageCrew::bytes_for(workers))), workers, options, handler,
             true) {}
  void run(Stretch& stretch, std::uint64_t begin, std::uint64_t end) {
    stretch.begin = begin;
    stretch.end = end;
    stretch.job = 1;
    crew.submit(&stretch);
    while (!stretch.over) crew.pump(100'000'000);
  }

  os::SharedMemory segment;
  std::atomic<std::uint64_t>& times;
  PoolOptions options{};
  Blocks handler;
  MessageCrew crew;
};

TEST(MessageCrew, TakesResultsInBlocks) {
  Crew crew(2);
  Stretch stretch;
  crew.run(stretch, 0, 40);
  EXPECT_EQ(stretch.results.size(), 40u);
  EXPECT_EQ(stretch.results[7], 70u);
  EXPECT_TRUE(stretch.failures.empty());
}

TEST(MessageCrew, WhatADeadWorkerHadFinishedOfABlockCountsAndIsNotRunAgain) {
  Crew crew(1);
  Stretch stretch;
  crew.run(stretch, 0, 100);
  EXPECT_EQ(stretch.failures.size(), 1u);
  EXPECT_EQ(stretch.failures[kBad].signal, SIGKILL);
  EXPECT_EQ(stretch.results.size(), 99u);
  EXPECT_EQ(stretch.results[kBad - 1], (kBad - 1) * 10);
  EXPECT_EQ(crew.times.load(), 100u);
}

TEST(MessageCrew, ACancelledJobFailsAndItsCrewGoesOn) {
  Crew crew(1);
  Stretch first, second, other;
  first.begin = 0, first.end = 10, first.job = 1;
  second.begin = 10, second.end = 20, second.job = 1;
  crew.crew.submit(&first);
  crew.crew.submit(&second);
  crew.crew.cancel(1);
  while (!first.over || !second.over) crew.crew.pump(100'000'000);
  EXPECT_EQ(first.results.size() + first.failures.size(), 10u);
  EXPECT_EQ(second.results.size() + second.failures.size(), 10u);
  other.begin = 20, other.end = 30, other.job = 2;
  crew.crew.submit(&other);
  while (!other.over) crew.crew.pump(100'000'000);
  EXPECT_EQ(other.results.size(), 10u);
}

}  // namespace
}  // namespace furrow::pool
