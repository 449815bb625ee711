#include "os/cores.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>

#include "os/files.hpp"

namespace furrow::os {
namespace {

class CoresTest : public ::testing::Test {
 protected:
  CoresTest() {
    char name[] = "/tmp/furrow-test-XXXXXX";
    root_ = ::mkdtemp(name);
    // Pairs of hardware threads share a core.
    for (int cpu = 0; cpu <= 64; ++cpu) {
      const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
      put(folder + "physical_package_id", "0\n");
      put(folder + "core_id", std::to_string(cpu / 2) + "\n");
    }
    cpu_set_t set;
    ::sched_getaffinity(0, sizeof set, &set);
    allowed_ = CPU_COUNT(&set);
  }
  ~CoresTest() override { (void)remove_tree(root_); }
  void put(const std::string& path, const std::string& content) const {
    ASSERT_TRUE(make_parent(root_ + path));
    ASSERT_TRUE(write_file(root_ + path, content));
  }
  int logical() const { return usable_cores(root_).logical; }

  std::string root_;
  int allowed_;
};

TEST_F(CoresTest, WithoutAQuotaAreThoseOfTheAffinity) {
  EXPECT_EQ(logical(), allowed_);
  EXPECT_EQ(usable_cores("/no/such/root").logical, allowed_);
  EXPECT_GE(usable_cores().logical, 1);
  EXPECT_LE(usable_cores().logical, allowed_);
}

TEST_F(CoresTest, ThreadsOfACoreCountOncePhysically) {
  const Cores cores = usable_cores(root_);
  EXPECT_GE(cores.physical, (cores.logical + 1) / 2);
  EXPECT_LE(cores.physical, cores.logical);
}

TEST_F(CoresTest, AQuotaOfVersionTwoLimits) {
  put("/proc/self/cgroup", "0::/a/b\n");
  put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(logical(), allowed_);
  put("/sys/fs/cgroup/a/cpu.max", "50000 100000\n");  // of the group around it
  EXPECT_EQ(logical(), 1);
  put("/sys/fs/cgroup/a/cpu.max", "100100 100000\n");
  EXPECT_EQ(logical(), std::min(allowed_, 2)) << "rounded up";
}

TEST_F(CoresTest, AQuotaOfVersionOneLimits) {
  put("/proc/self/cgroup", "12:cpuset:/x\n4:cpu,cpuacct:/docker/abc\n0::/\n");
  put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
      "80000\n");  // inside a container the group's own folder is not there
  put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(logical(), 1);
  put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(logical(), allowed_);
}

TEST_F(CoresTest, NonsenseIsNoLimit) {
  put("/proc/self/cgroup", "::::\nx\n4:cpu\n0::a/b\n");
  put("/sys/fs/cgroup/cpu.max", "abc 0\n");
  EXPECT_EQ(logical(), allowed_);
}

}  // namespace
}  // namespace furrow::os
