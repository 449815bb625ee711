#include "cli/cpus_command.hpp"

#include <gtest/gtest.h>

namespace furrow::cli {
namespace {

TEST(CpusCommand, ShowsEachLimitAndTheOneThatBinds) {
  os::CoreFigures figures;
  figures.machine = {128, 64};
  figures.cpu_set = {std::vector<int>(32), "/sys/fs/cgroup/cpuset/job"};
  figures.affinity = {16, 8};
  figures.quota = {11.5, "/sys/fs/cgroup/cpu/job"};
  figures.usable = {12, 8};
  figures.binding_logical = os::CoreLimit::kQuota;
  figures.binding_physical = os::CoreLimit::kAffinity;
  EXPECT_EQ(cpus_table(figures),
            "           cores  threads\n"
            "machine       64      128\n"
            "cpuset                 32   /sys/fs/cgroup/cpuset/job\n"
            "affinity       8       16\n"
            "quota      11.50    11.50   /sys/fs/cgroup/cpu/job\n"
            "usable         8       12   cores limited by the affinity, threads by the quota\n");
}

TEST(CpusCommand, SaysWhichLimitsAreNotSet) {
  os::CoreFigures figures;
  EXPECT_EQ(cpus_table(figures),
            "           cores  threads\n"
            "machine        1        1\n"
            "cpuset                  -   none is set\n"
            "affinity       1        1\n"
            "quota          -        -   none is set\n"
            "usable         1        1   limited by the machine\n");
}

}  // namespace
}  // namespace furrow::cli
