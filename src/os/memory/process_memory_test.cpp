#include "os/memory/process_memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "os/memory/shared_memory.hpp"

namespace furrow::os {
namespace {

// What BODY returns in a forked child.
template <class Body>
bool in_child(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(ProcessMemory, AChildWritesIntoItsParent) {
  std::vector<int> numbers(1 << 20, 1);
  const pid_t parent = ::getpid();
  EXPECT_TRUE(in_child([&] {
    const std::vector<int> others(numbers.size() - 2, 7);
    return write_memory_of(parent, numbers.data() + 1, others.data(), others.size() * sizeof(int));
  }));
  EXPECT_EQ(numbers.front(), 1);
  EXPECT_EQ(numbers.back(), 1);
  for (std::size_t i = 1; i + 1 < numbers.size(); ++i) ASSERT_EQ(numbers[i], 7) << i;
}

TEST(ProcessMemory, ReportsAFailedWrite) {
  void* const locked =
      ::mmap(nullptr, 2 * page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(locked, MAP_FAILED);
  ASSERT_EQ(::mprotect(static_cast<std::byte*>(locked) + page_size(), page_size(), PROT_READ), 0);
  const std::vector<std::byte> bytes(2 * page_size());
  EXPECT_FALSE(write_memory_of(::getpid(), locked, bytes.data(), bytes.size()));
  ::munmap(locked, 2 * page_size());
}

}  // namespace
}  // namespace furrow::os
