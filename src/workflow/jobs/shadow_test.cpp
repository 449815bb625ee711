#include "workflow/jobs/shadow.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/temporary_folder.hpp"

namespace furrow::workflow {
namespace {

using support::content_of;
using support::exists;
using support::write;
namespace fs = std::filesystem;

class ShadowTest : public testing::Test {
 protected:
  ShadowTest() {
    write("in/a.txt", "a");
    write("other.txt", "other");
    write(".furrow/store", "ours");
  }
  std::unique_ptr<Shadow> make(const std::string& kind, const std::vector<std::string>& inputs = {"in/a.txt"},
                               const std::vector<std::string>& products = {"out/x.txt"}) {
    auto made = Shadow::make(kind, path_, inputs, products);
    EXPECT_TRUE(made) << made.error().to_string();
    return made ? std::move(*made) : nullptr;
  }
  std::string inside(const std::string& name) const { return path_ + "/" + name; }

  support::TemporaryFolder folder_;
  std::string path_ = folder_.path() + "/.furrow/shadow/1";
};

TEST_F(ShadowTest, MinimalLinksOnlyTheInputs) {
  const auto shadow = make("minimal");
  EXPECT_TRUE(fs::is_symlink(inside("in/a.txt")));
  EXPECT_EQ(content_of(inside("in/a.txt")), "a");
  EXPECT_FALSE(exists(inside("other.txt")));
  EXPECT_TRUE(fs::is_directory(inside("out")));
}

TEST_F(ShadowTest, CopyMinimalCopiesTheInputs) {
  const auto shadow = make("copy-minimal");
  EXPECT_FALSE(fs::is_symlink(inside("in/a.txt")));
  write(inside("in/a.txt"), "changed");
  EXPECT_EQ(content_of("in/a.txt"), "a");
}

TEST_F(ShadowTest, ShallowLinksEverythingExceptTheEnginesFolder) {
  const auto shadow = make("shallow", {}, {});
  EXPECT_TRUE(fs::is_symlink(inside("other.txt")));
  EXPECT_EQ(content_of(inside("in/a.txt")), "a");
  EXPECT_FALSE(exists(inside(".furrow")));
}

TEST_F(ShadowTest, ShallowKeepsOutputsOutOfTheOriginalFolder) {
  write("in/deep/kept.txt", "kept");
  const auto shadow = make("shallow", {}, {"in/deep/new.txt"});
  write(inside("in/deep/new.txt"), "new");
  EXPECT_FALSE(exists("in/deep/new.txt"));
  EXPECT_EQ(content_of(inside("in/deep/kept.txt")), "kept");
  EXPECT_EQ(content_of(inside("in/a.txt")), "a");
}

TEST_F(ShadowTest, FullCopiesEverything) {
  const auto shadow = make("full");
  write(inside("other.txt"), "changed");
  write(inside("in/a.txt"), "changed");
  EXPECT_EQ(content_of("other.txt"), "other");
  EXPECT_EQ(content_of("in/a.txt"), "a");
  EXPECT_FALSE(exists(inside(".furrow")));
}

TEST_F(ShadowTest, LeavesAbsolutePathsAlone) {
  const auto shadow = make("minimal", {folder_.path() + "/other.txt", "../x"}, {"/nowhere/at/all", "../y/z"});
  EXPECT_TRUE(fs::is_empty(path_));
  EXPECT_TRUE(shadow->move_out({"/nowhere/at/all", "../y/z"}));
}

TEST_F(ShadowTest, RemovesWhatAnEarlierRunLeft) {
  write(inside("stale"));
  const auto shadow = make("minimal");
  EXPECT_FALSE(exists(inside("stale")));
}

TEST_F(ShadowTest, MovesOutputsOutAndRemovesTheRest) {
  auto shadow = make("minimal");
  write(inside("out/x.txt"), "new");
  write(inside("scratch.txt"));
  write("out/x.txt", "old");
  ASSERT_TRUE(shadow->move_out({"out/x.txt"}));
  shadow.reset();
  EXPECT_EQ(content_of("out/x.txt"), "new");
  EXPECT_FALSE(exists("scratch.txt"));
  EXPECT_FALSE(exists(path_));
  EXPECT_EQ(content_of("in/a.txt"), "a");
}

TEST_F(ShadowTest, MovesAWholeFolderOut) {
  auto shadow = make("minimal", {}, {"dir"});
  write(inside("dir/a/b"), "new");
  write("dir/old");
  ASSERT_TRUE(shadow->move_out({"dir"}));
  EXPECT_EQ(content_of("dir/a/b"), "new");
  EXPECT_FALSE(exists("dir/old"));
}

TEST_F(ShadowTest, MoveOutIgnoresMissingOutputs) {
  const auto shadow = make("minimal");
  EXPECT_TRUE(shadow->move_out({"out/x.txt"}));
  EXPECT_FALSE(exists("out/x.txt"));
}

TEST_F(ShadowTest, RedirectsAnOutputLinkOutOfTheShadow) {
  auto shadow = make("minimal", {"in/a.txt"}, {"link"});
  fs::create_symlink(inside("in/a.txt"), inside("link"));
  ASSERT_TRUE(shadow->move_out({"link"}));
  shadow.reset();
  EXPECT_TRUE(fs::is_symlink("link"));
  EXPECT_EQ(content_of("link"), "a");
}

TEST_F(ShadowTest, KeepsARelativeOutputLink) {
  auto shadow = make("minimal", {"in/a.txt"}, {"link"});
  fs::create_symlink("in/a.txt", inside("link"));
  ASSERT_TRUE(shadow->move_out({"link"}));
  EXPECT_EQ(fs::read_symlink("link"), "in/a.txt");
}

TEST_F(ShadowTest, KeepsAnOldOutputThatTheJobDidNotReplace) {
  write("log.txt", "old");
  auto shadow = make("shallow", {}, {"log.txt"});
  ASSERT_TRUE(shadow->move_out({"log.txt"}));
  shadow.reset();
  EXPECT_EQ(content_of("log.txt"), "old");
  EXPECT_FALSE(fs::is_symlink("log.txt"));
}

TEST_F(ShadowTest, FullCopiesDanglingLinks) {
  fs::create_symlink("nowhere", "dangling");
  const auto shadow = make("full");
  ASSERT_NE(shadow, nullptr);
  EXPECT_EQ(content_of(inside("other.txt")), "other");
}

TEST_F(ShadowTest, AMissingInputToCopyIsAnError) {
  const auto made = Shadow::make("copy-minimal", path_, {"gone"}, {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, ::testing::HasSubstr("cannot bring gone into the shadow folder"));
  EXPECT_FALSE(exists(path_));
}

}  // namespace
}  // namespace furrow::workflow
