#include "os/cores/cores.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include <thread>

#include "furrow/cpu_count.hpp"
#include "os/files/files.hpp"

namespace furrow::os {
namespace {

class CoresTest : public ::testing::Test {
 protected:
  CoresTest() {
    char name[] = "/tmp/furrow-test-XXXXXX";
    root_ = ::mkdtemp(name);
    cpu_set_t set;
    ::sched_getaffinity(0, sizeof set, &set);
    allowed_ = CPU_COUNT(&set);
    while (online_ < CPU_SETSIZE && (CPU_COUNT(&set) > 0)) CPU_CLR(online_++, &set);
    online_ = (online_ + 3) / 2 * 2;  // more than the affinity allows
    // Pairs of hardware threads share a core.
    for (int cpu = 0; cpu < online_; ++cpu) {
      const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
      const int first = cpu / 2 * 2;
      put(folder + "core_cpus_list", std::to_string(first) + "-" + std::to_string(first + 1) + "\n");
    }
  }
  ~CoresTest() override { (void)remove_tree(root_); }
  void put(const std::string& path, const std::string& content) const {
    ASSERT_TRUE(make_parent(root_ + path));
    ASSERT_TRUE(write_file(root_ + path, content));
  }
  int logical() const { return usable_cores(root_).logical; }

  std::string root_;
  int allowed_ = 0;
  int online_ = 0;
};

TEST_F(CoresTest, AreThoseOfTheAffinityWithoutAQuota) {
  EXPECT_EQ(logical(), allowed_);
  EXPECT_EQ(usable_cores("/no/such/root").logical, allowed_);
  EXPECT_GE(usable_cores().logical, 1);
  EXPECT_LE(usable_cores().logical, allowed_);
}

TEST_F(CoresTest, ThreadsOfOneCoreCountAsOnePhysicalCore) {
  const Cores cores = usable_cores(root_);
  EXPECT_GE(cores.physical, (cores.logical + 1) / 2);
  EXPECT_LE(cores.physical, cores.logical);
}

TEST_F(CoresTest, OlderKernelsNameTheThreadsOfACoreOtherwise) {
  const Cores cores = usable_cores(root_);
  for (int cpu = 0; cpu < online_; ++cpu) {
    const std::string folder = root_ + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    ASSERT_EQ(::rename((folder + "core_cpus_list").c_str(), (folder + "thread_siblings_list").c_str()), 0);
  }
  EXPECT_EQ(usable_cores(root_).physical, cores.physical);
}

TEST_F(CoresTest, EachThreadIsACoreWhereTheKernelDoesNotSay) {
  for (const char* text : {"\n", "nonsense\n"}) {
    for (int cpu = 0; cpu < online_; ++cpu)
      put("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/core_cpus_list", text);
    EXPECT_EQ(usable_cores(root_).physical, allowed_);
  }
}

TEST_F(CoresTest, ACgroupV2QuotaLimitsThem) {
  put("/proc/self/cgroup", "0::/a/b\n");
  put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(logical(), allowed_);
  put("/sys/fs/cgroup/a/cpu.max", "50000 100000\n");  // of the enclosing group
  EXPECT_EQ(logical(), 1);
  put("/sys/fs/cgroup/a/cpu.max", "100100 100000\n");
  EXPECT_EQ(logical(), std::min(allowed_, 2)) << "rounded up";
}

TEST_F(CoresTest, ACgroupV1QuotaLimitsThem) {
  put("/proc/self/cgroup", "12:cpuset:/x\n4:cpu,cpuacct:/docker/abc\n0::/\n");
  put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
      "80000\n");  // inside a container the group's own folder is missing
  put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(logical(), 1);
  put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(logical(), allowed_);
}

TEST_F(CoresTest, TheNearestCpuSetCounts) {
  put("/proc/self/cgroup", "3:cpuset:/a/b\n0::/\n");
  EXPECT_FALSE(cpu_set(root_));
  put("/sys/fs/cgroup/cpuset/cpuset.cpus", "0-63\n");
  put("/sys/fs/cgroup/cpuset/a/cpuset.effective_cpus", "0-2,8\n");
  put("/sys/fs/cgroup/cpuset/a/b/cpuset.cpus", "\n");  // not set up
  ASSERT_TRUE(cpu_set(root_));
  EXPECT_EQ(cpu_set(root_)->threads, (std::vector<int>{0, 1, 2, 8}));
  EXPECT_EQ(cpu_set(root_)->folder, "/sys/fs/cgroup/cpuset/a");
  put("/proc/self/cgroup", "0::/x\n");
  put("/sys/fs/cgroup/x/cpuset.cpus.effective", "5\n");
  EXPECT_EQ(cpu_set(root_)->threads, std::vector<int>{5});
}

TEST_F(CoresTest, TheTightestMemoryLimitCounts) {
  put("/proc/self/cgroup", "4:memory:/a/b\n0::/c\n");
  put("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  put("/sys/fs/cgroup/c/memory.max", "max\n");
  EXPECT_FALSE(memory_limit(root_));
  put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "8000000\n");
  EXPECT_EQ(memory_limit(root_), 8'000'000u);
  put("/sys/fs/cgroup/c/memory.max", "7000000\n");
  EXPECT_EQ(memory_limit(root_), 7'000'000u);
}

TEST_F(CoresTest, ParsesCpuLists) {
  EXPECT_EQ(parse_cpu_list("0-2,8\n"), (std::vector<int>{0, 1, 2, 8}));
  EXPECT_EQ(parse_cpu_list("7"), std::vector<int>{7});
  for (const char* nonsense : {"", "\n", "x", "3-1", "-4", "0-99999999"})
    EXPECT_TRUE(parse_cpu_list(nonsense).empty()) << nonsense;
}

TEST_F(CoresTest, NamesTheBindingLimit) {
  put("/sys/devices/system/cpu/online", "0-" + std::to_string(online_ - 1) + "\n");
  CoreFigures figures = measure_cores(root_);
  EXPECT_EQ(figures.machine.logical, online_);
  EXPECT_EQ(figures.machine.physical, online_ / 2);
  EXPECT_EQ(figures.affinity.logical, allowed_);
  EXPECT_EQ(figures.binding_logical, CoreLimit::kAffinity) << "no cpuset is known";

  put("/proc/self/cgroup", "0::/g\n");
  put("/sys/fs/cgroup/g/cpuset.cpus.effective", "0-" + std::to_string(allowed_ - 1));
  EXPECT_EQ(measure_cores(root_).binding_logical, CoreLimit::kCpuSet);
  put("/sys/fs/cgroup/g/cpuset.cpus.effective", "0-" + std::to_string(allowed_));
  EXPECT_EQ(measure_cores(root_).binding_logical, CoreLimit::kAffinity);

  put("/sys/devices/system/cpu/online", "0-" + std::to_string(allowed_ - 1));
  put("/sys/fs/cgroup/g/cpuset.cpus.effective", "0-" + std::to_string(allowed_ - 1));
  EXPECT_EQ(measure_cores(root_).binding_logical, CoreLimit::kMachine);

  put("/sys/fs/cgroup/g/cpu.max", "10000 100000\n");
  figures = measure_cores(root_);
  EXPECT_EQ(figures.usable.logical, 1);
  EXPECT_EQ(figures.usable.physical, 1);
  EXPECT_EQ(figures.binding_logical, allowed_ > 1 ? CoreLimit::kQuota : CoreLimit::kMachine);
  ASSERT_TRUE(figures.quota);
  EXPECT_EQ(figures.quota->folder, "/sys/fs/cgroup/g");
}

TEST(Cores, BothWaysOfCountingAgreeHere) {
  const CoreFigures figures = measure_cores();
  EXPECT_EQ(figures.usable.logical, usable_cores().logical);
  EXPECT_EQ(figures.usable.physical, usable_cores().physical);
  EXPECT_EQ(cpu_count(true), figures.usable.logical);
  EXPECT_EQ(cpu_count(), figures.usable.physical);
}

TEST(Cores, UsesTheAffinityOfTheCallingThread) {
  std::thread([] {
    cpu_set_t set, one;
    ::sched_getaffinity(0, sizeof set, &set);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
      if (CPU_ISSET(cpu, &set)) CPU_SET(cpu, &one);
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(cpu_count(), 1);
    EXPECT_EQ(cpu_count(true), 1);
    EXPECT_GE(measure_cores().machine.logical, CPU_COUNT(&set));
  }).join();
}

TEST_F(CoresTest, NonsenseIsNoLimit) {
  put("/proc/self/cgroup", "::::\nx\n4:cpu\n0::a/b\n");
  put("/sys/fs/cgroup/cpu.max", "abc 0\n");
  EXPECT_EQ(logical(), allowed_);
}

}  // namespace
}  // namespace furrow::os
