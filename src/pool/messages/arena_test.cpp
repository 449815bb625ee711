#include "pool/messages/arena.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

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
std::uint64_t made_in_worker(Arena& arena, char value, std::size_t size = kSize) {
  int ends[2];
  std::uint64_t at = 0;
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_EQ(in_worker(arena, 0,
                      [&] {
                        const std::uint64_t made_at = filled(arena, value, size).at;
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

std::size_t bytes_in(const Arena& arena) {
  struct stat status {};
  EXPECT_EQ(::fstat(arena.descriptor(), &status), 0);
  return static_cast<std::size_t>(status.st_blocks) * 512;
}

constexpr std::size_t kMib = 1 << 20;
constexpr auto kKept = static_cast<std::size_t>(Arena::kKept);

// No map runs, and no other is expected.
void rest(Arena& arena) {
  arena.rest(0);
  while (!arena.trim()) ::usleep(1000);
}

TEST(Arena, FreeBlocksKeepNoMoreThanIsAllowed) {
  Arena arena = made();
  std::vector<std::uint64_t> blocks;
  for (const std::size_t size : {5 * kMib, kMib, 27 * kMib, 3 * kMib})
    blocks.push_back(filled(arena, 'a', size).at);
  const Arena::Block held = filled(arena, 'h', 4 * kMib);
  for (const std::uint64_t at : blocks) arena.free(at);
  EXPECT_GT(bytes_in(arena), 36 * kMib) << "it is warm while maps run";
  rest(arena);
  EXPECT_LT(bytes_in(arena), kKept + 5 * kMib);
  const Arena::Block again = filled(arena, 'b', 27 * kMib);
  EXPECT_EQ(again.at, blocks[2]) << "the block is reused, with new memory";
  arena.free(again.at);
  EXPECT_LT(bytes_in(arena), kKept + 5 * kMib);
  EXPECT_EQ(held.data[4 * kMib - 1], std::byte{'h'});
}

TEST(Arena, StaysWarmForAMapThatComesSoon) {
  Arena arena = made();
  arena.busy();
  const Arena::Block block = filled(arena, 'a', 2 * kKept);
  arena.rest(3'600'000'000'000);
  arena.free(block.at);
  EXPECT_FALSE(arena.trim());
  EXPECT_GT(bytes_in(arena), 2 * kKept);
  arena.busy();
  EXPECT_FALSE(arena.trim());
  EXPECT_EQ(arena.make(2 * kKept).at, block.at);
  EXPECT_EQ(block.data[2 * kKept - 1], std::byte{'a'});
}

TEST(Arena, StaysWarmWhereNobodySaysWhenMapsRun) {
  Arena arena = made();
  arena.free(filled(arena, 'a', 2 * kKept).at);
  EXPECT_TRUE(arena.trim()) << "a worker need not ask again";
  EXPECT_GT(bytes_in(arena), 2 * kKept);
}

TEST(Arena, AnyWorkerGivesBackWhatAllKeepTooMuchOf) {
  Arena arena = made();
  arena.free(filled(arena, 'a', 2 * kKept).at);
  made_in_worker(arena, 'b', 2 * kKept);  // by a worker that died before it sent the block
  EXPECT_EQ(in_worker(arena, 0, [] { return 7; }), 7);
  EXPECT_GT(bytes_in(arena), 4 * kKept);
  arena.rest(0);
  EXPECT_EQ(in_worker(arena, 1,
                      [&] {
                        while (!arena.trim()) ::usleep(1000);
                        return 7;
                      }),
            7);
  EXPECT_LT(bytes_in(arena), kKept);
}

TEST(Arena, KeepsABlockThatAWorkerStillSees) {
  Arena arena = made();
  const Arena::Block block = filled(arena, 'a', 30 * kMib);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    arena.enter(1);
    const std::byte* view = arena.view(block.at, 30 * kMib);
    char go = 0;
    (void)!::read(ends[0], &go, 1);
    ::_exit(view[kMib] == std::byte{'a'} ? 7 : 1);
  }
  while (arena.free(block.at), arena.make(30 * kMib).at == block.at) ::usleep(1000);  // until it sees it
  rest(arena);
  ASSERT_EQ(::write(ends[1], "g", 1), 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Arena, KeepsOnlyWhatIsHeldAtItsEnd) {
  Arena arena = made();
  filled(arena, 'a', 3 * kMib);
  const std::uint64_t held = made_in_worker(arena, 'h');
  const std::byte* const data = arena.receive(held, kSize);
  made_in_worker(arena, 'u');  // never received
  arena.end();
  EXPECT_LT(bytes_in(arena), 2 * kMib);
  EXPECT_EQ(data[kSize - 1], std::byte{'h'});
  arena.free(held);
  EXPECT_LT(bytes_in(arena), kMib);
}

std::size_t mappings() {
  std::ifstream file("/proc/self/maps");
  return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
}

TEST(Arena, SmallBlocksShareMappings) {
  Arena arena = made();
  const std::size_t before = mappings();
  std::vector<Arena::Block> blocks;
  for (int i = 0; i < 800; ++i) blocks.push_back(filled(arena, static_cast<char>(i), 10'000 + 7 * i));
  blocks.push_back(filled(arena, 'l', 3 * Arena::kWindow));
  blocks.push_back(filled(arena, 's', 5));
  EXPECT_LT(mappings() - before, 30u);
  for (int i = 0; i < 800; ++i)
    EXPECT_EQ(blocks[static_cast<std::size_t>(i)].data[9'999 + 7 * i],
              std::byte{static_cast<unsigned char>(i)});
}

TEST(Arena, AWorkerHasABoundedNumberOfViews) {
  Arena arena = made();
  const Arena::Block block = filled(arena, 'a', 100);
  EXPECT_EQ(in_worker(arena, 0,
                      [&] {
                        int count = 0;
                        while (arena.view(block.at, 100)) ++count;
                        const std::byte* const whole = arena.whole(block.at, 100);
                        return count == Arena::kMostViews && whole && whole[99] == std::byte{'a'} ? 7 : 1;
                      }),
            7);
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
