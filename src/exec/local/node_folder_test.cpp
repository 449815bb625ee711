#include "exec/local/node_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>

#include "os/files/files.hpp"
#include "plan/node_folder.hpp"
#include "support/temporary_folder.hpp"

namespace furrow::exec {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

const std::string kOpen(plan::kNodeFolder);

class NodeFolderTest : public testing::Test {
 protected:
  NodeFolderTest() {
    for (const char* name : {"TMPDIR", "TEMP", "TMP"}) ::unsetenv(name);
  }
  support::TemporaryFolder folder_;
};

TEST_F(NodeFolderTest, FillsAllThatTheJobSees) {
  plan::Launch launch{.argv = {"x", kOpen + "/a"},
                      .command = "sort -T " + kOpen + " && ls " + kOpen,
                      .environment = {{"TMPDIR", kOpen}, {"B", "b"}},
                      .payload = "{\"tmpdir\":\"" + kOpen + "\"}"};
  fill_node_folder(launch, "/scratch");
  EXPECT_THAT(launch.argv, ElementsAre("x", "/scratch/a"));
  EXPECT_EQ(launch.command, "sort -T /scratch && ls /scratch");
  EXPECT_THAT(launch.environment, ElementsAre(Pair("TMPDIR", "/scratch"), Pair("B", "b")));
  EXPECT_EQ(launch.payload, "{\"tmpdir\":\"/scratch\"}");
}

TEST_F(NodeFolderTest, FillsAFile) {
  ASSERT_TRUE(os::write_file("data", "tmp <- \"" + kOpen + "\"\n"));
  ASSERT_TRUE(fill_node_folder("data", "/scratch"));
  EXPECT_EQ(*os::read_file("data"), "tmp <- \"/scratch\"\n");
  EXPECT_FALSE(fill_node_folder("gone", "/scratch"));
}

TEST_F(NodeFolderTest, IsTheFirstVariableThatNamesAUsableFolder) {
  EXPECT_EQ(node_folder(), "/tmp");
  ASSERT_TRUE(os::make_directories("some"));
  const std::string some = os::current_directory() + "/some";
  ::setenv("TMP", some.c_str(), 1);
  EXPECT_EQ(node_folder(), some);
  ::setenv("TMPDIR", "/usr/share", 1);
  ::setenv("TEMP", "/gone", 1);
  EXPECT_EQ(node_folder(), ::geteuid() == 0 ? "/usr/share" : some);
}

TEST_F(NodeFolderTest, AFolderThatWouldHaveToBeQuotedIsNotUsed) {
  ASSERT_TRUE(os::make_directories("a b"));
  ::setenv("TMPDIR", (os::current_directory() + "/a b").c_str(), 1);
  EXPECT_EQ(node_folder(), "/tmp");
}

}  // namespace
}  // namespace furrow::exec
