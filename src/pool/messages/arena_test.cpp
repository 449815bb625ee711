#include "pool/messages/arena.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace furrow::pool {
namespace {

constexpr std::size_t kSize = 300'000;

// Runs BODY in a child that is worker WORKER, and returns its exit status.
template <class Body>
int in_worker(Arena& arena, int worker, const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    arena.enter(worker + 1);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Arena made(int workers = 2) {
  auto arena = Arena::create(workers);
  EXPECT_TRUE(arena);
  arena->enter(0);
  return std::move(*arena);
}

Arena::Block filled(Arena& arena, char value, std::size_t size = kSize) {
  const Arena::Block block = arena.make(size);
  EXPECT_TRUE(block);
  std::memset(block.data, value, size);
  return block;
}

TEST(Arena, AWorkerSeesWhatItsMakerWrote) {
  Arena arena = made();
  const Arena::Block block = filled(arena, 'a');
  EXPECT_EQ(in_worker(arena, 0,
                      [&] {
                        const std::byte* view = arena.view(block.at, kSize);
                        return view && view[0] == std::byte{'a'} && view[kSize - 1] == std::byte{'a'} ? 7 : 1;
                      }),
            7);
}

TEST(Arena, KeepsWritesToAViewPrivate) {
  Arena arena = made();
  const Arena::Block block = filled(arena, 'a');
  EXPECT_EQ(in_worker(arena, 0,
                      [&] {
                        std::byte* first = arena.view(block.at, kSize);
                        first[5] = std::byte{'z'};
                        return arena.view(block.at, kSize)[5] == std::byte{'a'} ? 7 : 1;
                      }),
            7);
  EXPECT_EQ(block.data[5], std::byte{'a'});
}

TEST(Arena, ReusesAFreeBlock) {
  Arena arena = made();
  const Arena::Block first = filled(arena, 'a');
  arena.free(first.at);
  EXPECT_EQ(arena.make(kSize).at, first.at);
  EXPECT_NE(arena.make(kSize).at, first.at);
  EXPECT_LT(arena.made(), 3 * kSize);
}

TEST(Arena, DoesNotReuseABlockWhileAWorkerHasAView) {
  Arena arena = made();
  const Arena::Block block = filled(arena, 'a');
  // The worker ends and never drops its view.
  EXPECT_EQ(in_worker(arena, 1, [&] { return arena.view(block.at, kSize) ? 7 : 1; }), 7);
  arena.free(block.at);
  EXPECT_NE(arena.make(kSize).at, block.at);
  EXPECT_EQ(in_worker(arena, 1, [] { return 7; }), 7);  // the process that replaces it
  EXPECT_EQ(arena.make(kSize).at, block.at);
}

TEST(Arena, ReusesABlockAfterItsViewIsDropped) {
  Arena arena = made();
  const Arena::Block block = filled(arena, 'a');
  EXPECT_EQ(in_worker(arena, 1,
                      [&] {
                        arena.drop(arena.view(block.at, kSize), block.at, kSize);
                        return 7;
                      }),
            7);
  arena.free(block.at);
  EXPECT_EQ(arena.make(kSize).at, block.at);
}

// The offset of a block that a worker has made before it ends.
std::uint64_t made_in_worker(Arena& arena, char value) {
  int ends[2];
  std::uint64_t at = 0;
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_EQ(in_worker(arena, 0,
                      [&] {
                        const std::uint64_t made_at = filled(arena, value).at;
                        return ::write(ends[1], &made_at, sizeof made_at) == sizeof made_at ? 7 : 1;
                      }),
            7);
  EXPECT_EQ(::read(ends[0], &at, sizeof at), static_cast<ssize_t>(sizeof at));
  ::close(ends[0]);
  ::close(ends[1]);
  return at;
}

TEST(Arena, TheReceiverOfAWorkersBlockFreesIt) {
  Arena arena = made();
  const std::uint64_t at = made_in_worker(arena, 'r');
  const std::byte* const data = arena.receive(at, kSize);
  ASSERT_NE(data, nullptr);
  EXPECT_EQ(data[kSize - 1], std::byte{'r'});
  EXPECT_NE(made_in_worker(arena, 's'), at);  // still held
  EXPECT_EQ(data[0], std::byte{'r'});
  arena.free(at);
  EXPECT_EQ(made_in_worker(arena, 't'), at);
}

TEST(Arena, AReplacementFreesUnsentBlocksOfADeadWorker) {
  Arena arena = made();
  const std::uint64_t at = made_in_worker(arena, 'a');
  EXPECT_EQ(made_in_worker(arena, 'b'), at);
}

TEST(Arena, ReceivesNothingWhereThereIsNoBlock) {
  Arena arena = made();
  const Arena::Block block = filled(arena, 'a');
  EXPECT_EQ(arena.receive(block.at + 4096, 10), nullptr);
  EXPECT_EQ(arena.receive(block.at, 100 * kSize), nullptr);
  EXPECT_EQ(arena.receive(50 * Arena::kRegion, 10), nullptr);
}

}  // namespace
}  // namespace furrow::pool
