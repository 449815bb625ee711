#include "workflow/dag/snakemake_markers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "os/files/files.hpp"
#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> marked() {
  std::vector<std::string> paths;
  for_each_marked_output("incomplete", [&](const std::string& path) { paths.push_back(path); });
  return paths;
}

TEST(SnakemakeMarkers, GiveThePathsOfOutputs) {
  const support::TemporaryFolder folder;
  EXPECT_THAT(marked(), IsEmpty()) << "there is no folder";
  ASSERT_TRUE(os::make_directories("incomplete"));
  support::write("incomplete/YS50eHQ=", "{}");
  support::write("incomplete/w6Q_Pz4-", "{}");  // an a with two dots, two question marks, two angle brackets
  support::write("incomplete/migration_underway.", "{}");
  EXPECT_THAT(marked(), ElementsAre("a.txt", "\xc3\xa4?\?>>"));
}

TEST(SnakemakeMarkers, JoinThePiecesOfALongName) {
  const support::TemporaryFolder folder;
  ASSERT_TRUE(os::make_directories("incomplete/@" + std::string(254, 'Y')));
  support::write("incomplete/@" + std::string(254, 'Y') + "/YWFh", "{}");
  std::string wanted;
  for (int i = 0; i < 63; ++i) wanted += "a\x86\x18";
  ASSERT_EQ(marked().size(), 1u);
  EXPECT_EQ(marked().front().substr(0, wanted.size()), wanted);
  EXPECT_EQ(marked().front().size(), (254 + 4) * 6 / 8u);
}

}  // namespace
}  // namespace furrow::workflow
