#include "os/memory/shared_memory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "os/files/files.hpp"

// GCC defines a macro for the sanitizer, clang a feature.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER
#endif

namespace furrow::os {
namespace {

using ::testing::HasSubstr;

// The exit status of a forked child that runs BODY.
template <class Body>
int in_child(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::size_t resident_pages(const SharedMemory& memory) {
  std::vector<unsigned char> pages(memory.size() / page_size());
  EXPECT_EQ(::mincore(memory.data(), memory.size(), pages.data()), 0);
  std::size_t count = 0;
  for (const unsigned char page : pages) count += page & 1;
  return count;
}

TEST(SharedMemory, IsWholePagesOfZeros) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, page_size(), page_size() + 1}) {
    const auto memory = SharedMemory::create(size);
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->size() % page_size(), 0u);
    EXPECT_GE(memory->size(), std::max<std::size_t>(size, 1));
    EXPECT_LT(memory->size(), size + 2 * page_size());
    for (const std::byte byte : memory->bytes()) ASSERT_EQ(byte, std::byte{0});
    EXPECT_EQ(memory->descriptor(), -1);
  }
}

TEST(SharedMemory, AChildsWritesAreSeenByItsParent) {
  const auto memory = SharedMemory::create(std::size_t{4} << 20);
  ASSERT_TRUE(memory);
  EXPECT_EQ(in_child([&] {
              std::strcpy(reinterpret_cast<char*>(memory->data()) + 3'000'000, "from the child");
              return 7;
            }),
            7);
  EXPECT_STREQ(reinterpret_cast<char*>(memory->data()) + 3'000'000, "from the child");
}

TEST(SharedMemory, UnmapsOnceAfterAMove) {
  SharedMemory empty;
  EXPECT_FALSE(empty);
  EXPECT_EQ(empty.size(), 0u);
  auto first = SharedMemory::create(100);
  std::byte* const data = first->data();
  SharedMemory second = std::move(*first);
  EXPECT_FALSE(*first);
  EXPECT_EQ(second.data(), data);
  empty = std::move(second);
  EXPECT_EQ(empty.data(), data);
  empty = SharedMemory();
  EXPECT_NE(::msync(data, page_size(), MS_ASYNC), 0) << "still mapped";
}

TEST(SharedMemory, PopulateAddsPages) {
  const auto memory = SharedMemory::create(16 * page_size());
  ASSERT_TRUE(memory);
  EXPECT_EQ(resident_pages(*memory), 0u);
  ASSERT_TRUE(memory->populate(page_size() + 1, page_size()));  // touches two pages
  const std::size_t made = resident_pages(*memory);
  EXPECT_TRUE(made == 2 || made == 0) << made;  // zero on a kernel without MADV_POPULATE_WRITE
  std::memset(memory->data(), 1, memory->size());
  EXPECT_EQ(resident_pages(*memory), 16u);
}

TEST(SharedMemory, PopulateBeyondTheEndDoesNothing) {
  const auto memory = SharedMemory::create(page_size());
  EXPECT_TRUE(memory->populate(10 * page_size(), 1));
}

TEST(SharedMemory, TooMuchIsAnError) {
  for (const std::size_t size : {~std::size_t{0}, std::size_t{1} << 46, std::size_t{1} << 60}) {
    for (const auto make : {&SharedMemory::create, &SharedMemory::with_descriptor}) {
      const auto memory = make(size);
      ASSERT_FALSE(memory);
      EXPECT_THAT(memory.error().message, HasSubstr("not enough memory"));
      EXPECT_FALSE(memory.error().hint.empty());
    }
  }
}

TEST(SharedMemory, MoreThanIsLeftIsAnError) {
  const Result<std::string> text = read_file("/proc/meminfo");
  ASSERT_TRUE(text);
  const std::size_t total = std::strtoull(text->c_str() + text->find("MemTotal:") + 9, nullptr, 10) * 1024;
  const std::size_t swap = std::strtoull(text->c_str() + text->find("SwapTotal:") + 10, nullptr, 10) * 1024;
  const auto memory = SharedMemory::create(total + swap - 4096);  // the kernel itself would grant it
  ASSERT_FALSE(memory);
  EXPECT_THAT(memory.error().message, HasSubstr("not enough memory"));
}

TEST(SharedMemory, ALimitOfTheProcessIsAnError) {
#ifdef UNDER_SANITIZER
  GTEST_SKIP() << "the sanitizer's own memory is beyond any limit";
#endif
  EXPECT_EQ(in_child([] {
              const rlimit limit{std::size_t{1} << 30, std::size_t{1} << 30};
              ::setrlimit(RLIMIT_AS, &limit);
              const auto memory = SharedMemory::create(std::size_t{2} << 30);
              return !memory && memory.error().message.find("not enough memory") != std::string::npos ? 0 : 1;
            }),
            0);
}

TEST(SharedMemory, AttachesToADescriptorElsewhere) {
  const auto memory = SharedMemory::with_descriptor(3 * page_size());
  ASSERT_TRUE(memory);
  const int fd = memory->descriptor();
  ASSERT_GE(fd, 0);
  EXPECT_EQ(::fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_NE(::ftruncate(fd, 0), 0) << "nobody may shrink it";
  EXPECT_EQ(in_child([&] {
              const auto other = SharedMemory::attach(fd);
              if (!other || other->size() != 3 * page_size() || other->data() == memory->data()) return 1;
              other->data()[page_size()] = std::byte{42};
              return 0;
            }),
            0);
  EXPECT_EQ(memory->data()[page_size()], std::byte{42});
}

TEST(SharedMemory, AttachRefusesOtherDescriptors) {
  EXPECT_FALSE(SharedMemory::attach(-1));
  const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  EXPECT_FALSE(SharedMemory::attach(fd));
  ::close(fd);
}

TEST(SharedMemory, ClosesItsDescriptor) {
  int fd;
  {
    const auto memory = SharedMemory::with_descriptor(1);
    fd = memory->descriptor();
    EXPECT_GE(::fcntl(fd, F_GETFD), 0);
  }
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

}  // namespace
}  // namespace furrow::os
