#include "deploy/container_runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "deploy/apptainer.hpp"
#include "deploy/charliecloud.hpp"
#include "deploy/container_job.hpp"
#include "deploy/oci.hpp"

namespace furrow::deploy {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::Pair;

using Words = std::vector<std::string>;

Words all_words(const ContainerCommand& command) {
  Words words = command.before;
  words.insert(words.end(), command.after.begin(), command.after.end());
  return words;
}

ContainerJob job(const std::string& image) {
  ContainerJob job;
  job.image = image;
  job.argv = {"bash", "-c", "true"};
  job.home = "/work";
  job.directory = "/shadow/1";
  job.folders = {"/shadow", "/tmp/x"};
  job.variables = {"LANG", "LD_LIBRARY_PATH", "MINE", "PATH"};
  return job;
}

bool has_pair(const Words& words, const std::string& name, const std::string& value) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == name && words[i + 1] == value) return true;
  return false;
}

TEST(ContainerRuntime, ApptainersCommandLineIsThatOfSnakemake) {
  const Apptainer apptainer("apptainer", "/images");
  EXPECT_THAT(all_words(apptainer.command(job("/x.sif"))),
              ElementsAre("apptainer", "exec", "--home", "/work", "--pwd", "/shadow/1", "--bind", "/shadow",
                          "/x.sif", "bash", "-c", "true"));
  EXPECT_EQ(apptainer.place("docker://bash"), "/images/36b22e49e8a03fd08160e9345dd1034e.simg");
  EXPECT_EQ(apptainer.place("/x.sif"), "/x.sif");
}

TEST(ContainerRuntime, PodmanAndDockerPassVariablesAndFolders) {
  const Oci podman("podman", "/images", {"1:2", "3:4"}), docker("docker", "/images", {"1:2", "3:4"});
  const Words words = all_words(podman.command(job("localhost/x")));
  for (const char* const name : {"LANG", "MINE", "HOME=/work"})
    EXPECT_TRUE(has_pair(words, "--env", name)) << name;
  for (const char* const name : {"PATH", "LD_LIBRARY_PATH"})
    EXPECT_FALSE(has_pair(words, "--env", name)) << name;
  for (const char* const folder : {"/work", "/shadow", "/tmp/x"})
    EXPECT_TRUE(has_pair(words, "--mount", std::string("type=bind,src=") + folder + ",dst=" + folder))
        << folder;
  EXPECT_TRUE(has_pair(words, "--workdir", "/shadow/1"));
  EXPECT_TRUE(has_pair(words, "--user", std::to_string(::geteuid()) + ":" + std::to_string(::getegid())));
  EXPECT_TRUE(has_pair(words, "--ulimit", "nofile=1:2") && has_pair(words, "--ulimit", "nproc=3:4"));
  EXPECT_EQ(Words(words.end() - 4, words.end()), (Words{"localhost/x", "bash", "-c", "true"}));
  EXPECT_TRUE(has_pair(all_words(podman.command(job("/root"))), "--rootfs", "/root:O"));
  EXPECT_THAT(all_words(docker.command(job("x"))), Not(::testing::Contains("--cgroups")));
}

TEST(ContainerRuntime, PodmanIsGivenTheNameThatDockerMeans) {
  const Oci podman("podman", "", {}), docker("docker", "", {});
  EXPECT_EQ(podman.place("docker://bash"), "docker.io/library/bash");
  EXPECT_EQ(podman.place("docker://owner/tool:1"), "docker.io/owner/tool:1");
  EXPECT_EQ(podman.place("docker://quay.io/owner/tool:1"), "quay.io/owner/tool:1");
  EXPECT_EQ(podman.place("docker://localhost/tool"), "localhost/tool");
  EXPECT_EQ(docker.place("docker://bash"), "bash");
  EXPECT_FALSE(docker.accepts("/tmp"));
  EXPECT_TRUE(podman.accepts("/tmp"));
  EXPECT_FALSE(podman.accepts("library://x"));
}

TEST(ContainerRuntime, CharliecloudShowsWhatItDoesNotShowByItself) {
  const Charliecloud charliecloud("ch-run", "/images");
  const Words words = all_words(charliecloud.command(job("/root")));
  EXPECT_TRUE(has_pair(words, "--bind", "/shadow") && has_pair(words, "--bind", "/work"));
  EXPECT_FALSE(has_pair(words, "--bind", "/tmp/x"));
  EXPECT_TRUE(has_pair(words, "--cd", "/shadow/1"));
  EXPECT_EQ(Words(words.end() - 5, words.end()), (Words{"/root", "--", "bash", "-c", "true"}));
  EXPECT_FALSE(charliecloud.accepts("/x.sif"));
  EXPECT_FALSE(charliecloud.accepts("library://x"));
}

TEST(JobContainer, ArgumentsThatAShellWouldChangeAreReadByOne) {
  const Apptainer apptainer("apptainer", "/images");
  const auto argv_with = [&](const std::string& arguments) {
    plan::Launch launch{.kind = plan::Launch::Kind::kShell, .command = "true"};
    launch.executable = "/bin/bash";
    launch.environment = {{"TMPDIR", "/tmp"}};
    EXPECT_TRUE(JobContainer(apptainer, "/x.sif", arguments, "/work").put({}, nullptr, launch));
    EXPECT_EQ(launch.kind, plan::Launch::Kind::kProgram);
    return launch.argv;
  };
  EXPECT_THAT(argv_with(" --nv  --bind /a:/b "),
              ElementsAre("apptainer", "exec", "--home", "/work", "--nv", "--bind", "/a:/b", "/x.sif", "bash",
                          "-c", "true"));
  EXPECT_THAT(argv_with("--bind $X"),
              ElementsAre("/bin/sh", "-c", "exec apptainer exec --home /work --bind $X \"$@\"", "furrow",
                          "/x.sif", "bash", "-c", "true"));
}

TEST(JobContainer, TheProgramOfCharliecloudStartsWithoutTmpdir) {
  const Charliecloud charliecloud("ch-run", "/images");
  const JobContainer container(charliecloud, "/image", "", "/tmp");
  plan::Launch launch{.kind = plan::Launch::Kind::kProgram, .argv = {"true"}};
  launch.environment = {{"TMPDIR", "/tmp/x"}, {"A", "a"}};
  ASSERT_TRUE(container.put({}, nullptr, launch));
  EXPECT_EQ(launch.argv.front(), "ch-run");
  EXPECT_THAT(launch.argv, Contains("--set-env=TMPDIR=/tmp/x"));
  EXPECT_THAT(launch.removed, ElementsAre("TMPDIR"));
  EXPECT_THAT(launch.environment, AllOf(Contains(Pair("A", "a")), Not(Contains(Pair("TMPDIR", _)))));
  const Words setup = container.put(Words{"true"}, "/tmp");
  EXPECT_THAT(Words(setup.begin(), setup.begin() + 3), ElementsAre("env", "-u", "TMPDIR"));
}

TEST(JobContainer, AnActivatedEnvironmentIsSetInTheContainer) {
  const Apptainer apptainer("apptainer", "/images");
  Activation activation;
  activation.set = {{"PATH", "/e/bin:/bin"}};
  activation.removed = {"GONE"};
  plan::Launch launch{.kind = plan::Launch::Kind::kProgram, .argv = {"python3", "x.py"}};
  launch.environment = {{"TMPDIR", "/tmp"}};
  ASSERT_TRUE(JobContainer(apptainer, "/x.sif", "", "/work").put({}, &activation, launch));
  EXPECT_THAT(launch.argv, ElementsAre("apptainer", "exec", "--home", "/work", "/x.sif", "env", "-u", "GONE",
                                       "PATH=/e/bin:/bin", "python3", "-B", "x.py"));
}

}  // namespace
}  // namespace furrow::deploy
