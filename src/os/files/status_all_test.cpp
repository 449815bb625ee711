#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "os/files/files.hpp"
#include "support/temporary_folder.hpp"

namespace furrow::os {
namespace {

// Asks for COUNT files, each EVERY-th of which exists, and compares with a look at each alone.
void expect_same_as_one_by_one(const std::string& folder, int count, int every) {
  std::vector<std::string> paths;
  for (int i = 0; i < count; ++i) {
    paths.push_back(folder + "/a name\n" + std::to_string(i));
    if (every > 0 && i % every == 0) {
      ASSERT_TRUE(write_file(paths.back(), std::to_string(i)));
    }
  }
  const std::vector<FileStatus> all = status_all({paths.begin(), paths.end()});
  ASSERT_EQ(all.size(), paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const FileStatus alone = status(paths[i]);
    EXPECT_EQ(all[i].kind, alone.kind) << i;
    EXPECT_EQ(all[i].mtime_ns, alone.mtime_ns) << i;
    EXPECT_EQ(all[i].size, alone.size) << i;
  }
}

TEST(StatusAll, SaysTheSameAsALookAtEachFile) {
  for (const int count : {1, 31, 32, 200})
    for (const int every : {0, 1, 2, 3, 25, 1000}) {
      SCOPED_TRACE(std::to_string(count) + " files, each " + std::to_string(every) + "th of them exists");
      const support::TemporaryFolder folder;
      expect_same_as_one_by_one(folder.path(), count, every);
    }
}

TEST(StatusAll, FindsFewFilesInAFolderWithManyOthers) {
  const support::TemporaryFolder folder;
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(write_file(folder.path() + "/other" + std::to_string(i), ""));
  }
  expect_same_as_one_by_one(folder.path(), 100, 50);
}

TEST(StatusAll, SeesLinksFoldersAndMissingFolders) {
  const support::TemporaryFolder folder;
  std::vector<std::string> paths;
  for (int i = 0; i < 40; ++i) paths.push_back(folder.path() + "/missing" + std::to_string(i));
  ASSERT_EQ(::symlink("nowhere", (folder.path() + "/dangling").c_str()), 0);
  ASSERT_EQ(::symlink(".", (folder.path() + "/link").c_str()), 0);
  paths.insert(paths.end(), {folder.path() + "/dangling", folder.path() + "/link", folder.path() + "/link/",
                             folder.path() + "/no/file", "/"});
  const std::vector<FileStatus> all = status_all({paths.begin(), paths.end()});
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(all[static_cast<std::size_t>(i)].exists());
  EXPECT_FALSE(all[40].exists());
  EXPECT_TRUE(all[40].is_link);
  EXPECT_EQ(all[41].kind, FileStatus::Kind::kDirectory);
  EXPECT_TRUE(all[41].is_link);
  EXPECT_EQ(all[42].kind, FileStatus::Kind::kDirectory);
  EXPECT_FALSE(all[43].exists());
  EXPECT_EQ(all[44].kind, FileStatus::Kind::kDirectory);
}

}  // namespace
}  // namespace furrow::os
