#include "cli/cluster_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::cli {
namespace {

using Kind = ClusterSettings::Kind;
using ::testing::HasSubstr;

ClusterSettings settings(Kind kind, const std::string& packing = "auto") {
  ClusterSettings settings;
  settings.kind = kind;
  settings.packing = packing;
  return settings;
}

// "MESSAGE HINT", or nothing.
std::string refused(const ClusterSettings& settings, const std::string& option) {
  const auto checked = check_effects(settings, {option});
  return checked ? "" : checked.error().message + " " + checked.error().hint;
}

TEST(ClusterOptionsTest, HaveNoEffectWithoutACluster) {
  for (const char* option :
       {"--groups", "--group-components", "--local-cores", "--max-jobs-per-second", "--set-resource-scopes",
        "--packing", "--resource", "--batch-cores", "--batch-nodes", "--cluster-status", "--cluster-cancel",
        "--cluster-cancel-nargs", "--max-status-checks-per-second"})
    EXPECT_THAT(refused(settings(Kind::kNone), option), HasSubstr("leave it out")) << option;
  EXPECT_EQ(refused(settings(Kind::kNone), "--cores"), "");
}

TEST(ClusterOptionsTest, RefusesOptionsOfAnotherKindOfCluster) {
  EXPECT_EQ(refused(settings(Kind::kCommands), "--cluster-status"), "");
  EXPECT_THAT(refused(settings(Kind::kSlurm), "--cluster-status"), HasSubstr("asks Slurm itself"));
  EXPECT_EQ(refused(settings(Kind::kSlurm), "--packing"), "");
  EXPECT_THAT(refused(settings(Kind::kCommands), "--packing"), HasSubstr("submission of its own"));
  for (const Kind kind : {Kind::kSlurm, Kind::kCommands})
    EXPECT_EQ(refused(settings(kind), "--group-components"), "");
}

TEST(ClusterOptionsTest, RefusesASizeForAnUnsharedAllocation) {
  for (const char* packing : {"auto", "packed"})
    EXPECT_EQ(refused(settings(Kind::kSlurm, packing), "--batch-nodes"), "") << packing;
  for (const char* packing : {"one", "array"})
    EXPECT_THAT(refused(settings(Kind::kSlurm, packing), "--batch-cores"),
                HasSubstr(std::string("With --packing ") + packing));
}

TEST(ClusterOptionsTest, ChecksTheNamesOfPackings) {
  EXPECT_TRUE(check_packing("packed"));
  EXPECT_EQ(check_packing("some").error().message, "some is not one of auto, one, array, packed");
}

}  // namespace
}  // namespace furrow::cli
