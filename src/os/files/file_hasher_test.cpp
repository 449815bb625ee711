#include "os/files/file_hasher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "os/events/clock.hpp"
#include "os/files/files.hpp"

namespace furrow::os {
namespace {

class FileHasherTest : public ::testing::Test {
 protected:
  FileHasherTest() {
    char name[] = "/tmp/furrow-test-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~FileHasherTest() override { (void)remove_tree(folder_); }
  std::string file(const std::string& name, std::size_t size, char fill = 'x') const {
    EXPECT_TRUE(write_file(folder_ + "/" + name, std::string(size, fill)));
    return folder_ + "/" + name;
  }
  std::uint64_t hash(FileHasher& hasher, const std::string& path) {
    std::uint64_t result = 77;
    hasher.hash(path, [&](FileHasher::Content content) { result = content.hash; });
    const double until = monotonic_seconds() + 50;
    while (hasher.pending() > 0 && monotonic_seconds() < until) loop_.run_once(0.1);
    return result;
  }

  std::string folder_;
  EventLoop loop_;
};

TEST_F(FileHasherTest, AgreesWithHashFile) {
  FileHasher hasher(loop_, -1);
  for (const std::size_t size : {0, 1, 1000, 262144, 262145, 1000000}) {
    const std::string path = file(std::to_string(size), size);
    EXPECT_EQ(hash(hasher, path), *hash_file(path)) << size;
  }
  EXPECT_NE(hash(hasher, file("a", 10, 'a')), hash(hasher, file("b", 10, 'b')));
}

TEST_F(FileHasherTest, LargeFilesAndNonFilesHaveNoKnownHash) {
  FileHasher hasher(loop_, 100);
  EXPECT_NE(hash(hasher, file("fits", 100)), 0u);
  EXPECT_EQ(hash(hasher, file("large", 101)), 0u);
  EXPECT_EQ(hash(hasher, folder_), 0u);
  EXPECT_EQ(hash(hasher, folder_ + "/missing"), 0u);
  ASSERT_EQ(::mkfifo((folder_ + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(hash(hasher, folder_ + "/fifo"), 0u);
}

TEST_F(FileHasherTest, DeliversInOrder) {
  FileHasher hasher(loop_, -1);
  std::vector<int> delivered;
  const std::string path = file("a", 5000);
  for (int i = 0; i < 1000; ++i) hasher.hash(path, [&, i](FileHasher::Content) { delivered.push_back(i); });
  EXPECT_TRUE(delivered.empty()) << "only from the loop";
  while (hasher.pending() > 500) loop_.run_once(1);
  hasher.drain();
  ASSERT_EQ(delivered.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(delivered.begin(), delivered.end()));
  EXPECT_EQ(hasher.pending(), 0u);
}

TEST_F(FileHasherTest, ACallbackMayRequestAnotherHash) {
  FileHasher hasher(loop_, -1);
  const std::string path = file("a", 10);
  int more = 3;
  FileHasher::Callback again = [&](FileHasher::Content) {
    if (--more > 0) hasher.hash(path, again);
  };
  hasher.hash(path, again);
  hasher.drain();
  EXPECT_EQ(more, 0);
}

TEST_F(FileHasherTest, DestructionStopsInTheMiddleOfALargeFile) {
  const std::string path = folder_ + "/sparse";
  ASSERT_TRUE(write_file(path, ""));
  ASSERT_EQ(::truncate(path.c_str(), 200LL << 30), 0);
  bool called = false;
  // Hashing all of it would take longer than a test may.
  {
    FileHasher hasher(loop_, -1);
    hasher.hash(path, [&](FileHasher::Content) { called = true; });
    hasher.hash(path, [&](FileHasher::Content) { called = true; });
    ::usleep(20000);
  }
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace furrow::os
