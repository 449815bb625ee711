#include "workflow/rules/glob.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"

namespace furrow::workflow {
namespace {

using support::write;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Values = std::vector<std::string>;

class GlobTest : public testing::Test {
 protected:
  // The values of each match, joined by one space.
  static Values glob(const std::string& pattern, bool follow_links = false) {
    const auto found = glob_wildcards(pattern, follow_links);
    EXPECT_TRUE(found) << found.error().to_string();
    Values shown;
    for (const auto& values : found->values) {
      std::string line;
      for (const std::string& value : values) line += (line.empty() ? "" : " ") + value;
      shown.push_back(line);
    }
    return shown;
  }
  support::TemporaryFolder folder_;
};

TEST_F(GlobTest, FindsFilesInNameOrder) {
  for (const char* name : {"t/c.txt", "t/a.txt", "t/b.txt", "t/b.tsv", "u/d.txt"}) write(name);
  EXPECT_THAT(glob("t/{x}.txt"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(glob_wildcards("t/{x}.{kind}", false)->names, ElementsAre("x", "kind"));
}

TEST_F(GlobTest, SearchesFolders) {
  for (const char* name : {"t/a.txt", "t/s/b.txt", "t/s/deep/c.txt"}) write(name);
  EXPECT_THAT(glob("t/{x}.txt"), ElementsAre("a", "s/b", "s/deep/c"));
  EXPECT_THAT(glob("t/{folder}/{x}.txt"), ElementsAre("s b", "s/deep c"));
  EXPECT_THAT(glob("{any}/b.txt"), ElementsAre("t/s"));
}

TEST_F(GlobTest, ConstraintsHold) {
  for (const char* name : {"a1.txt", "ab.txt", "s/2.txt"}) write(name);
  EXPECT_THAT(glob("{x,[^/]+}.txt"), ElementsAre("a1", "ab"));
  EXPECT_THAT(glob("{x,.*\\d}.txt"), ElementsAre("a1", "s/2"));
}

TEST_F(GlobTest, ARepeatedWildcardMustBeEqual) {
  for (const char* name : {"a/a.txt", "a/b.txt"}) write(name);
  EXPECT_THAT(glob("{x}/{x}.txt"), ElementsAre("a"));
}

TEST_F(GlobTest, FoldersMatchToo) {
  write("runs/one/file");
  write("runs/two/file");
  EXPECT_THAT(glob("runs/{run,[^/]+}"), ElementsAre("one", "two"));
}

TEST_F(GlobTest, NormalizesThePattern) {
  write("t/a.txt");
  EXPECT_THAT(glob("./t//{x}.txt"), ElementsAre("a"));
  EXPECT_THAT(glob("u/../t/{x}.txt"), ElementsAre("a"));
  EXPECT_THAT(glob(folder_.path() + "/t/{x}.txt"), ElementsAre("a"));
}

TEST_F(GlobTest, ANamePrefixIsNotAFolder) {
  for (const char* name : {"t/pre_a.txt", "t/other.txt"}) write(name);
  EXPECT_THAT(glob("t/pre_{x}.txt"), ElementsAre("a"));
}

TEST_F(GlobTest, AMissingFolderHasNoMatches) {
  EXPECT_THAT(glob("missing/{x}.txt"), IsEmpty());
  EXPECT_THAT(glob_wildcards("missing/{x}.txt", false)->names, ElementsAre("x"));
}

TEST_F(GlobTest, FindsHiddenFiles) {
  write(".hidden.txt");
  EXPECT_THAT(glob("{x}.txt"), ElementsAre(".hidden"));
}

TEST_F(GlobTest, LinksToFilesMatch) {
  write("a.txt");
  ASSERT_EQ(::symlink("a.txt", "link.txt"), 0);
  ASSERT_EQ(::symlink("nowhere", "dangling.txt"), 0);
  EXPECT_THAT(glob("{x}.txt"), ElementsAre("a", "dangling", "link"));
}

TEST_F(GlobTest, FollowsLinksToFoldersOnlyOnRequest) {
  write("real/a.txt");
  ASSERT_EQ(::symlink("real", "link"), 0);
  EXPECT_THAT(glob("{x}.txt"), ElementsAre("real/a"));
  EXPECT_THAT(glob("{x}.txt", true), ElementsAre("link/a", "real/a"));
}

TEST_F(GlobTest, StopsAtACycleOfLinks) {
  write("d/a.txt");
  ASSERT_EQ(::symlink("..", "d/up"), 0);
  EXPECT_THAT(glob("{x}.txt", true), ElementsAre("d/a"));
}

TEST_F(GlobTest, FindsNamesThatAreNotUtf8) {
  write("caf\xe9.txt");
  EXPECT_THAT(glob("{x}.txt"), ElementsAre("caf\xe9"));
  EXPECT_THAT(glob("{x,[^/]+}.txt"), ElementsAre("caf\xe9"));
}

TEST_F(GlobTest, ABadConstraintIsAnError) {
  const auto found = glob_wildcards("{x,[}", false);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("bad wildcard constraint"));
}

}  // namespace
}  // namespace furrow::workflow
