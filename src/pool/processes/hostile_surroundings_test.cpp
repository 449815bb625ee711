// Workers that overwrite what they share with their parent, and a system that refuses calls: a map ends all the same.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "furrow/pool.hpp"
#include "pool/workers/worker_memory.hpp"

namespace furrow {
namespace {

std::vector<int> numbers(int count) {
  std::vector<int> made(static_cast<std::size_t>(count));
  std::iota(made.begin(), made.end(), 0);
  return made;
}

// The largest shared mapping that this process may write to.
char* shared_control() {
  std::ifstream maps("/proc/self/maps");
  std::uintptr_t found = 0, most = 0;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    char mode[5] = "";
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) != 3 || std::string(mode) != "rw-s")
      continue;
    if (end - begin > most) most = end - begin, found = begin;
  }
  return reinterpret_cast<char*>(found);
}

struct WildWrite {
  std::size_t at, size;
  int value;  // below 0: random bytes
};

void write_wildly(const WildWrite& write) {
  char* const to = shared_control() + write.at;
  if (write.value >= 0) {
    std::memset(to, write.value, write.size);
    return;
  }
  std::mt19937_64 random(write.at);
  for (std::size_t i = 0; i < write.size; ++i) to[i] = static_cast<char>(random());
}

constexpr WildWrite kWildWrites[] = {
    {0, 128, 0},     {0, 128, 255},     {128, 512, 0},    {128, 512, 255},   {128, 512, -1},  {256, 128, 1},
    {640, 1280, 0},  {640, 1280, 255},  {0, 4096, 0},     {0, 4096, 255},    {0, 4096, -1},   {1000, 100, -1},
    {0, 1 << 16, 0}, {0, 1 << 16, 255}, {0, 1 << 16, -1}, {2000, 1000, 255}, {4096, 64, 255}, {1536, 700, 0}};

// In a program of its own, whose time is limited. Results that come must be right.
void expect_end(const std::function<void()>& use, const char* what, std::size_t at) {
  const pid_t program = ::fork();
  if (program == 0) {
    ::alarm(20);
    try {
      use();
    } catch (const std::exception&) {  // an error is an end
    }
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(program, &status, 0), program);
  EXPECT_EQ(status, 0) << what << ", write " << at
                       << (WIFSIGNALED(status) ? ": it hangs" : ": wrong results");
}

TEST(WildWrites, EndAMapWithAnErrorOrWithout) {
  for (const WildWrite& write : kWildWrites) {
    const auto task = [write](int x) {
      if (x == 7) write_wildly(write);
      ::usleep(x == 7 ? 5000 : 200);
      return std::to_string(x);
    };
    const auto check = [](const std::vector<Outcome<std::string>>& outcomes) {
      for (std::size_t i = 0; i < outcomes.size(); ++i)
        if (outcomes[i].ok() && outcomes[i].value() != std::to_string(i)) ::_exit(1);
    };
    const auto at = static_cast<std::size_t>(&write - kWildWrites);
    expect_end([&] { check(Pool(processes(3)).try_map(task, numbers(60), {.timeout_s = 1})); }, "forked", at);
    const auto bound = furrow::bind(
        [](const std::array<std::uint64_t, 3>& where, int x) {
          if (x == 7) write_wildly({where[0], where[1], static_cast<int>(where[2])});
          ::usleep(x == 7 ? 5000 : 200);
          return std::to_string(x);
        },
        std::array<std::uint64_t, 3>{write.at, write.size, static_cast<std::uint64_t>(write.value)});
    expect_end(
        [&] { check(Pool(processes(3)).try_map(bound, numbers(60), {.timeout_s = 1, .standing = true})); },
        "persistent", at);
  }
}

// What workers may write, for two of them: the parent's doorbell, their slots, their ranges.
struct Control {
  channel::Doorbell parent;
  std::array<pool::WorkerSlot, 2> slots;
  std::array<pool::RangeSlot, 2> ranges;
};

Control& control() { return *reinterpret_cast<Control*>(shared_control()); }

void hide_items_and_end() {
  for (pool::WorkerSlot& each : control().slots) each.published.clear();
  ::_exit(3);
}

// As if the workers had run all that was sent to them.
void hide_work() {
  for (pool::WorkerSlot& each : control().slots) each.worker_state = pool::WorkerState::kStarting;
  for (pool::RangeSlot& each : control().ranges) {
    const std::uint64_t end = each.range.load() & 0xffffffff;
    each.range = end << 32 | end;
  }
}

// Item 7 of 60 calls HARM. Returns how many items failed.
template <auto Harm>
int failures() {
  const auto task = [](int x) {
    ::usleep(200);
    if (x == 7) Harm();
    return x;
  };
  int failed = 0;
  const auto outcomes = Pool(processes(2)).try_map(task, numbers(60), {.chunksize = 1, .standing = true});
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].ok() && outcomes[i].value() != static_cast<int>(i)) ::_exit(1);
    failed += !outcomes[i].ok();
  }
  return failed;
}

TEST(WildWrites, DoNotMakeAnItemRunForEver) {
  expect_end(
      [] {
        if (failures<hide_items_and_end>() != 1) ::_exit(1);
      },
      "items hidden", 0);
}

// As if a message had been sent that is not there.
void promise_work() {
  for (pool::RangeSlot& each : control().ranges) each.range += 1000;
}

TEST(WildWrites, DoNotHideOrPromiseWork) {
  for (std::size_t i = 0; i < 10; ++i) {
    expect_end(failures<hide_work>, "work hidden", i);
    expect_end(failures<promise_work>, "work promised", i);
  }
}

// As a sandbox does.
void refuse_call(long number, int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog whole{static_cast<unsigned short>(std::size(program)), program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) != 0)
    ::_exit(0);
}

TEST(RefusedCalls, KeepAPoolOfProcessesWorking) {
  for (const int error : {EPERM, ENOSYS})
    expect_end(
        [error] {
          for (const long each :
               {SYS_signalfd4, SYS_pidfd_open, SYS_memfd_create, SYS_eventfd2, SYS_epoll_create1})
            refuse_call(each, error);
          Pool pool(processes(2));
          const auto task = [](int x) { return x == 3 ? (::abort(), 0) : x; };
          for (const bool standing : {false, true})
            if (pool.try_map(task, numbers(20), {.standing = standing})[19].value() != 19) ::_exit(1);
          if (pool.apply([](int x) { return x; }, 3) != 3) ::_exit(1);
        },
        "refused", static_cast<std::size_t>(error));
}

}  // namespace
}  // namespace furrow
