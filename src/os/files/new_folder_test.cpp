#include "os/files/new_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/files/files.hpp"

namespace furrow::os {
namespace {

class NewFolderTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(folder_), nullptr); }
  void TearDown() override { (void)remove_tree(folder_); }
  std::string path(const std::string& name) const { return std::string(folder_) + "/" + name; }
  std::size_t entries() const { return list_directory(folder_)->size(); }
  char folder_[32] = "/tmp/furrow-folder-XXXXXX";
};

TEST_F(NewFolderTest, AppearsWhenItIsFinished) {
  auto made = NewFolder::create(path("a/b"));
  ASSERT_TRUE(made) << made.error().to_string();
  ASSERT_TRUE(write_file((*made)->place() + "/file", "x"));
  EXPECT_FALSE(status(path("a/b")).exists());
  ASSERT_TRUE((*made)->finish());
  EXPECT_EQ(*read_file(path("a/b/file")), "x");
  EXPECT_EQ(list_directory(path("a"))->size(), 1u);
}

TEST_F(NewFolderTest, IsGoneIfItIsNotFinished) {
  {
    auto made = NewFolder::create(path("a"));
    ASSERT_TRUE(made);
    ASSERT_TRUE(write_file((*made)->place() + "/file", "x"));
  }
  EXPECT_EQ(entries(), 0u);
}

TEST_F(NewFolderTest, ReplacesAnEmptyFolderAndNothingElse) {
  ASSERT_TRUE(make_directories(path("empty")));
  ASSERT_TRUE(make_directories(path("full/x")));
  ASSERT_TRUE(write_file(path("file"), ""));
  ASSERT_EQ(::symlink("nowhere", path("link").c_str()), 0);
  auto made = NewFolder::create(path("empty"));
  ASSERT_TRUE(made);
  EXPECT_TRUE((*made)->finish());
  for (const char* const name : {"full", "file", "link"}) EXPECT_FALSE(NewFolder::create(path(name))) << name;
}

TEST_F(NewFolderTest, DoesNotReplaceWhatHasComeMeanwhile) {
  auto made = NewFolder::create(path("a"));
  ASSERT_TRUE(made);
  ASSERT_TRUE(make_directories(path("a/x")));
  EXPECT_FALSE((*made)->finish());
  EXPECT_TRUE(status(path("a/x")).exists());
}

}  // namespace
}  // namespace furrow::os
