#include "os/files/look_again.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/files/files.hpp"
#include "support/temporary_folder.hpp"

namespace furrow::os {
namespace {

TEST(LookAgain, ChangesNothing) {
  const support::TemporaryFolder folder;
  const std::string path = folder.path() + "/file";
  look_again(path);
  EXPECT_FALSE(status(path).exists());
  ASSERT_TRUE(write_file(path, "text"));
  look_again(path);
  EXPECT_EQ(*read_file(path), "text");
  look_again(folder.path() + "/no/file");
  EXPECT_FALSE(status(folder.path() + "/no").exists());
}

// A link to nothing is listed and seems to be missing, like a name that is shown late.
TEST(LookAgain, MakesNoFileOfADanglingLink) {
  const support::TemporaryFolder folder;
  ASSERT_EQ(::symlink("nowhere", (folder.path() + "/link").c_str()), 0);
  look_again(folder.path() + "/link");
  EXPECT_EQ(list_directory(folder.path())->size(), 1u);
}

}  // namespace
}  // namespace furrow::os
