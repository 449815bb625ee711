#include "cli/cluster_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::cli {
namespace {

using ::testing::HasSubstr;

exec::ExecutorSettings settings(const std::string& name, const std::string& packing = "auto") {
  exec::ExecutorSettings settings;
  settings.name = name;
  settings.packing = packing;
  return settings;
}

// "MESSAGE HINT", or nothing.
std::string refused(const exec::ExecutorSettings& settings, const std::string& option) {
  const auto checked = check_effects(settings, {option});
  return checked ? "" : checked.error().message + " " + checked.error().hint;
}

TEST(ClusterOptionsTest, HaveNoEffectWithoutACluster) {
  for (const char* option : {"--local-cores", "--max-jobs-per-second", "--set-resource-scopes", "--packing",
                             "--resource", "--batch-cores", "--batch-nodes", "--cluster-status",
                             "--cluster-cancel", "--cluster-cancel-nargs", "--max-status-checks-per-second"})
    EXPECT_THAT(refused(settings("local"), option), HasSubstr("leave it out")) << option;
  for (const char* option : {"--cores", "--groups", "--group-components"})
    EXPECT_EQ(refused(settings("local"), option), "");
}

TEST(ClusterOptionsTest, RefusesOptionsOfAnotherKindOfCluster) {
  EXPECT_EQ(refused(settings("cluster-generic"), "--cluster-status"), "");
  EXPECT_THAT(refused(settings("slurm"), "--cluster-status"), HasSubstr("asks Slurm itself"));
  EXPECT_EQ(refused(settings("slurm"), "--packing"), "");
  EXPECT_THAT(refused(settings("cluster-generic"), "--packing"), HasSubstr("submission of its own"));
  for (const char* kind : {"slurm", "cluster-generic"})
    EXPECT_EQ(refused(settings(kind), "--group-components"), "");
}

TEST(ClusterOptionsTest, RefusesASizeForAnUnsharedAllocation) {
  for (const char* packing : {"auto", "packed"})
    EXPECT_EQ(refused(settings("slurm", packing), "--batch-nodes"), "") << packing;
  for (const char* packing : {"one", "array"})
    EXPECT_THAT(refused(settings("slurm", packing), "--batch-cores"),
                HasSubstr(std::string("With --packing ") + packing));
}

TEST(ClusterOptionsTest, ChecksTheNamesOfPackings) {
  EXPECT_TRUE(check_packing("packed"));
  EXPECT_EQ(check_packing("some").error().message, "some is not one of auto, one, array, packed");
}

}  // namespace
}  // namespace furrow::cli
