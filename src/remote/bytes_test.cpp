#include "remote/bytes.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <numeric>
#include <set>
#include <thread>
#include <vector>

namespace furrow::remote {
namespace {

constexpr std::size_t kLarge = std::size_t{5} << 20;

std::vector<unsigned char> pattern(std::size_t size) {
  std::vector<unsigned char> made(size);
  std::iota(made.begin(), made.end(), static_cast<unsigned char>(size % 251));
  return made;
}

bool equal(const Bytes& bytes, const std::vector<unsigned char>& expected) {
  return bytes.size() == expected.size() &&
         (expected.empty() || std::memcmp(bytes.data(), expected.data(), expected.size()) == 0);
}

TEST(Bytes, KeepsItsContentsWhileGrowing) {
  const auto all = pattern(40'000'000);
  Bytes bytes;
  EXPECT_TRUE(bytes.empty());
  for (std::size_t at = 0, step = 1; at < all.size(); step = step * 3 / 2 + 1) {
    const std::size_t size = std::min(step, all.size() - at);
    bytes.write(all.data() + at, size);
    at += size;
  }
  EXPECT_TRUE(equal(bytes, all));
}

TEST(Bytes, ExpectReservesWithoutChangingTheSize) {
  Bytes bytes;
  bytes.write("abc", 3);
  bytes.expect(kLarge);
  EXPECT_EQ(bytes.size(), 3u);
  EXPECT_GE(bytes.capacity(), kLarge + 3);
  EXPECT_EQ(std::memcmp(bytes.data(), "abc", 3), 0);
  const std::byte* const address = bytes.data();
  bytes.extend(kLarge);
  EXPECT_EQ(bytes.data(), address);
}

TEST(Bytes, ReusesLargeMemory) {
  std::set<const std::byte*> addresses;
  for (int round = 0; round < 10; ++round) {
    const auto written = pattern(kLarge + static_cast<std::size_t>(round));
    Bytes bytes;
    bytes.write(written.data(), written.size());
    EXPECT_TRUE(equal(bytes, written));
    addresses.insert(bytes.data());
  }
  EXPECT_LE(addresses.size(), 4u);
}

TEST(Bytes, NeverShareMemoryBetweenThreads) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i)
    threads.emplace_back([i] {
      for (std::size_t round = 0; round < 20; ++round) {
        const auto written = pattern(kLarge + 1000 * i + round);
        Bytes bytes, other;
        bytes.write(written.data(), written.size());
        other.extend(kLarge);
        std::memset(other.data(), static_cast<int>(i), kLarge);
        Bytes moved = std::move(bytes);
        EXPECT_TRUE(equal(moved, written));
      }
    });
  for (auto& each : threads) each.join();
}

TEST(Bytes, WorksInAForkedChild) {
  { Bytes().extend(kLarge); }  // leaves a cached block, which parent and child both have
  const pid_t child = ::fork();
  const auto written = pattern(kLarge);
  Bytes bytes;
  bytes.write(written.data(), written.size());
  const bool right = equal(bytes, written);
  if (child == 0) ::_exit(right ? 0 : 1);
  EXPECT_TRUE(right);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(BytesReader, NeverReadsBeyondTheEnd) {
  const std::byte bytes[3] = {};
  pool::BytesReader reader(bytes, sizeof bytes);
  EXPECT_THROW((void)reader.take<std::uint64_t>(), std::runtime_error);
  EXPECT_THROW((void)reader.skip(4), std::runtime_error);
  EXPECT_EQ(reader.skip(3), bytes);
  EXPECT_EQ(reader.remaining(), 0u);
}

}  // namespace
}  // namespace furrow::remote
