#include "os/process/ancestors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "os/files/files.hpp"
#include "support/temporary_folder.hpp"

namespace furrow::os {
namespace {

using ::testing::ElementsAre;

class Ancestors : public ::testing::Test {
 protected:
  void add(int pid, const std::string& stat, std::string_view command, const std::string& executable) {
    const std::string folder = folder_.path() + "/proc/" + std::to_string(pid);
    ASSERT_TRUE(make_directories(folder));
    ASSERT_TRUE(write_file(folder + "/stat", stat));
    ASSERT_TRUE(write_file(folder + "/cmdline", command));
    if (executable.empty()) return;
    ASSERT_EQ(::symlink(executable.c_str(), (folder + "/exe").c_str()), 0);
  }
  std::vector<Ancestor> above(int parent) {
    std::vector<Ancestor> all;
    for_each_ancestor(
        [&all](const Ancestor& one) {
          all.push_back(one);
          return false;
        },
        parent, folder_.path());
    return all;
  }

  support::TemporaryFolder folder_;
};

TEST_F(Ancestors, AreFollowedUpToTheFirstProcess) {
  using namespace std::string_view_literals;
  add(30, "30 (a) b (c) S 20 30 30", "make\0all\0more\0"sv, "/usr/bin/make");
  add(20, "20 (bash) S 1 20 20", "-bash\0"sv, "/usr/bin/bash (deleted)");
  add(1, "1 (init) S 0 1 1", "", "");
  const std::vector<Ancestor> all = above(30);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].pid, 30);
  EXPECT_THAT(all[0].arguments, ElementsAre("make", "all"));
  EXPECT_THAT(all[1].arguments, ElementsAre("-bash"));
  EXPECT_EQ(all[1].executable, "/usr/bin/bash");
  EXPECT_EQ(all[2].pid, 1);
  EXPECT_TRUE(all[2].arguments.empty());
}

TEST_F(Ancestors, EndWhereProcIsMissing) { EXPECT_TRUE(above(30).empty()); }

}  // namespace
}  // namespace furrow::os
