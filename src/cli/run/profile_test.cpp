#include "cli/run/profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/temporary_folder.hpp"

namespace furrow::cli {
namespace {

using support::write;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Profile : public testing::Test {
 protected:
  Profile() {
    ::setenv("HOME", (folder_.path() + "/home").c_str(), 1);
    ::unsetenv("XDG_CONFIG_HOME");
    ::setenv("FURROW_TEST_VALUE", "value", 1);
    ::unsetenv("FURROW_TEST_UNSET");
  }
  // The options as on a command line, one string for each.
  static std::vector<std::string> read(const std::string& name) {
    const auto options = read_profile(name);
    EXPECT_TRUE(options) << options.error().to_string();
    std::vector<std::string> shown;
    if (!options) return shown;
    for (const ProfileOption& option : *options) {
      std::string line = option.name;
      for (const std::string& value : option.values) line += " [" + value + "]";
      shown.push_back(line);
    }
    return shown;
  }
  static std::vector<std::string> read_text(const std::string& yaml) {
    write("p/config.yaml", yaml);
    return read("p");
  }
  support::TemporaryFolder folder_;
};

TEST_F(Profile, ValuesAndFlagsAreOptions) {
  EXPECT_THAT(read_text("cores: 4\nkeep-going: true\nprintshellcmds: false\nsnakefile:\nretries: 2\n"),
              ElementsAre("cores [4]", "keep-going", "retries [2]"));
}

TEST_F(Profile, AListGivesSeveralValues) {
  EXPECT_THAT(read_text("config: [a=1, b=2]\nrerun-triggers:\n  - mtime\n"),
              ElementsAre("config [a=1] [b=2]", "rerun-triggers [mtime]"));
}

TEST_F(Profile, AMappingGivesPairs) {
  EXPECT_THAT(
      read_text("set-threads:\n  a: 4\n  b: 2\nset-resources:\n  a:\n    mem_mb: 100\n    queue: long\n"),
      ElementsAre("set-threads [a=4] [b=2]", "set-resources [a:mem_mb=100] [a:queue=long]"));
}

TEST_F(Profile, ReplacesEnvironmentVariables) {
  EXPECT_THAT(read_text("shadow-prefix: $FURROW_TEST_VALUE/x\ndirectory: a${FURROW_TEST_VALUE}b\nconfig: "
                        "[$FURROW_TEST_VALUE=$FURROW_TEST_VALUE]\n"),
              ElementsAre("shadow-prefix [value/x]", "directory [avalueb]", "config [value=value]"));
}

TEST_F(Profile, LeavesOtherDollarSignsUnchanged) {
  EXPECT_THAT(
      read_text("a: $FURROW_TEST_UNSET\nb: ${FURROW_TEST_UNSET}\nc: \"100$\"\nd: \"$\"\ne: \"${\"\n"),
      ElementsAre("a [$FURROW_TEST_UNSET]", "b [${FURROW_TEST_UNSET}]", "c [100$]", "d [$]", "e [${]"));
}

TEST_F(Profile, AnEmptyFileHasNoOptions) { EXPECT_THAT(read_text("# nothing yet\n"), ElementsAre()); }

TEST_F(Profile, AFileWithoutAMappingIsAnError) {
  write("p/config.yaml", "- a\n");
  const auto options = read_profile("p");
  ASSERT_FALSE(options);
  EXPECT_THAT(options.error().to_string(),
              AllOf(HasSubstr("p/config.yaml"), HasSubstr("mapping of options to values")));
}

TEST_F(Profile, BrokenYamlIsAnErrorThatNamesItsFile) {
  write("p/config.yaml", "cores: [1\n");
  const auto options = read_profile("p");
  ASSERT_FALSE(options);
  EXPECT_THAT(options.error().to_string(), HasSubstr("p/config.yaml"));
}

TEST_F(Profile, AMissingProfileErrorSaysWhereToPutIt) {
  const auto options = read_profile("cluster");
  ASSERT_FALSE(options);
  EXPECT_THAT(options.error().to_string(),
              AllOf(HasSubstr("there is no profile cluster"), HasSubstr("~/.config/furrow")));
}

TEST_F(Profile, IsFoundByNameInTheUsersConfiguration) {
  write("home/.config/snakemake/site/config.yaml", "cores: 1\n");
  EXPECT_THAT(read("site"), ElementsAre("cores [1]"));
  write("home/.config/furrow/site/config.yaml", "cores: 2\n");
  EXPECT_THAT(read("site"), ElementsAre("cores [2]"));
  write("site/config.yaml", "cores: 3\n");
  EXPECT_THAT(read("site"), ElementsAre("cores [3]"));
}

TEST_F(Profile, UsesTheConfiguredConfigFolder) {
  write("xdg/furrow/site/config.yaml", "cores: 5\n");
  ::setenv("XDG_CONFIG_HOME", (folder_.path() + "/xdg").c_str(), 1);
  EXPECT_THAT(read("site"), ElementsAre("cores [5]"));
}

TEST_F(Profile, PrefersTheNewestConfigVersion) {
  write("p/config.v8+.yaml", "cores: 8\n");
  EXPECT_THAT(read_text("cores: 7\n"), ElementsAre("cores [8]"));
}

TEST_F(Profile, AcceptsAFileAsAProfile) {
  write("mine.yaml", "cores: 6\n");
  EXPECT_THAT(read("mine.yaml"), ElementsAre("cores [6]"));
}

TEST_F(Profile, FindsAWorkflowProfileNextToItsSnakefile) {
  EXPECT_EQ(find_workflow_profile("default", ""), "");
  write("workflow/profiles/default/config.yaml", "cores: 1\n");
  EXPECT_EQ(find_workflow_profile("default", ""), "workflow/profiles/default");
  EXPECT_EQ(find_workflow_profile("default", "other/Snakefile"), "");
  EXPECT_EQ(find_workflow_profile("default", "workflow/Snakefile"), "workflow/profiles/default");
  write("profiles/default/config.yaml", "cores: 1\n");
  EXPECT_EQ(find_workflow_profile("default", ""), "profiles/default");
}

TEST_F(Profile, AWorkflowProfileCanBeNamed) {
  write("profiles/slurm/config.yaml", "cores: 1\n");
  EXPECT_EQ(find_workflow_profile("slurm", ""), "profiles/slurm");
  EXPECT_EQ(find_workflow_profile("profiles/slurm", ""), "profiles/slurm");
  EXPECT_EQ(find_workflow_profile("other", ""), "");
}

}  // namespace
}  // namespace furrow::cli
