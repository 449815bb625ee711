#include "os/files/named_pipe.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/files/files.hpp"
#include "support/temporary_folder.hpp"

namespace furrow::os {

TEST(NamedPipe, ReplacesAFileOrALinkOrAnotherPipe) {
  const support::TemporaryFolder folder;
  const std::string path = folder.path() + "/p";
  ASSERT_TRUE(write_file(path, "text"));
  ASSERT_TRUE(make_named_pipe(path));
  EXPECT_TRUE(is_named_pipe(path));
  ASSERT_TRUE(make_named_pipe(path));
  EXPECT_TRUE(is_named_pipe(path));
  ASSERT_EQ(::symlink(path.c_str(), (folder.path() + "/link").c_str()), 0);
  EXPECT_FALSE(is_named_pipe(folder.path() + "/link"));
  ASSERT_TRUE(make_named_pipe(folder.path() + "/link"));
  EXPECT_TRUE(is_named_pipe(folder.path() + "/link"));
}

TEST(NamedPipe, DoesNotReplaceAFolder) {
  const support::TemporaryFolder folder;
  EXPECT_FALSE(make_named_pipe(folder.path()));
  EXPECT_EQ(status(folder.path()).kind, FileStatus::Kind::kDirectory);
}

TEST(NamedPipe, RemovesPipesOnly) {
  const support::TemporaryFolder folder;
  const std::string file = folder.path() + "/f", pipe = folder.path() + "/p";
  ASSERT_TRUE(write_file(file, "text"));
  ASSERT_TRUE(make_named_pipe(pipe));
  remove_named_pipe(file);
  remove_named_pipe(pipe);
  EXPECT_TRUE(status(file).exists());
  EXPECT_FALSE(status(pipe).exists());
}

}  // namespace furrow::os
