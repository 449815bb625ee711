#include "deploy/conda_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "os/files/files.hpp"
#include "support/temporary_folder.hpp"

namespace furrow::deploy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CondaFileTest : public ::testing::Test {
 protected:
  void SetUp() override { ::setenv("CONDA_SUBDIR", "linux-64", 1); }
  void TearDown() override { ::unsetenv("CONDA_SUBDIR"); }

  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(os::make_parent(path(name)));
    ASSERT_TRUE(os::write_file(path(name), text));
  }
  CondaFile read() {
    auto file = CondaFile::read(path("e.yaml"));
    EXPECT_TRUE(file) << file.error().to_string();
    return file ? *file : CondaFile{};
  }
  std::string error() {
    const auto file = CondaFile::read(path("e.yaml"));
    return file ? "" : file.error().to_string();
  }

  support::TemporaryFolder folder_;
};

// The sums are those of md5sum over the joined texts.
TEST_F(CondaFileTest, HashesWhatMakesTheEnvironmentWhatItIs) {
  write("e.yaml", "dependencies: [a]\n");
  EXPECT_EQ(read().content_hash(), "bc0ba72ff375a7510cec372076f75f3c");
  const std::string before = read().hash("/none");
  EXPECT_EQ(before, read().hash_of_version_7("/none"));
  EXPECT_NE(before, read().hash("/other"));
  write("e.post-deploy.sh", "true\n");
  const std::string with_script = read().hash("/none");
  EXPECT_NE(with_script, before);
  EXPECT_EQ(with_script, read().hash_of_version_7("/none"));
  write("e.linux-64.pin.txt", "pins\n");
  EXPECT_NE(read().hash("/none"), with_script);
  EXPECT_EQ(read().hash_of_version_7("/none"), with_script);
}

TEST_F(CondaFileTest, FollowsRequirementFiles) {
  write("e.yaml", "dependencies:\n  - pip:\n    - x\n    - -r r/one.txt\n");
  write("r/one.txt", "y\n-r two.txt\n-r one.txt\n");
  write("r/two.txt", "z\n");
  EXPECT_THAT(read().requirements, ElementsAre("r/one.txt", "r/two.txt"));
  EXPECT_EQ(read().requirements_content, "y\n-r two.txt\n-r one.txt\nz\n");
}

TEST_F(CondaFileTest, NamesTheLineOfAMistake) {
  EXPECT_THAT(error(), HasSubstr("e.yaml of a conda environment cannot be read"));
  write("e.yaml", "channels: [\n");
  EXPECT_THAT(error(), HasSubstr("e.yaml:"));
  write("e.yaml", "just text\n");
  EXPECT_THAT(error(), HasSubstr("not a mapping"));
  write("e.yaml", "name: x\ndependencies: a\n");
  EXPECT_THAT(error(), HasSubstr("e.yaml:2: "));
}

TEST_F(CondaFileTest, AFolderCountsOnceItIsMarked) {
  write("e.yaml", "dependencies: [a]\n");
  const std::string prefix = path("conda");
  const CondaFile file = read();
  const CondaFolder wanted = find_conda_folder(file, prefix);
  EXPECT_FALSE(wanted.is_whole);
  EXPECT_EQ(wanted.path, prefix + "/" + file.hash(prefix) + "_");
  ASSERT_TRUE(os::make_directories(wanted.path));
  EXPECT_FALSE(find_conda_folder(file, prefix).is_whole);
  ASSERT_TRUE(mark_whole(wanted.path));
  EXPECT_TRUE(find_conda_folder(file, prefix).is_whole);
  ASSERT_TRUE(remove_conda_folder(wanted.path));
  const std::string old_name = prefix + "/" + file.hash(prefix).substr(0, 8);
  ASSERT_TRUE(os::make_directories(old_name));
  ASSERT_TRUE(os::write_file(old_name + "/env_setup_done", ""));
  EXPECT_EQ(find_conda_folder(file, prefix).path, old_name);
}

TEST_F(CondaFileTest, AnEnvironmentOfVersion7CountsIfItsPinsAreTodays) {
  write("e.yaml", "dependencies: [a]\n");
  write("e.linux-64.pin.txt", "pins\n");
  const std::string prefix = path("conda");
  const CondaFile file = read();
  const std::string old = prefix + "/" + file.hash_of_version_7(prefix) + "_";
  ASSERT_TRUE(os::make_directories(old));
  ASSERT_TRUE(os::write_file(old + "/env_setup_done", ""));
  EXPECT_FALSE(find_conda_folder(file, prefix).is_whole);
  ASSERT_TRUE(os::write_file(old + ".pin.txt", "pins\n"));
  EXPECT_EQ(find_conda_folder(file, prefix).path, old);
}

}  // namespace
}  // namespace furrow::deploy
