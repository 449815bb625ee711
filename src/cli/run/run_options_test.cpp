#include "cli/run/run_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/temporary_folder.hpp"

namespace furrow::cli {
namespace {

using support::write;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using Arguments = std::vector<std::string>;

class RunOptionsTest : public testing::Test {
 protected:
  RunOptionsTest() { ::setenv("XDG_CONFIG_HOME", (folder_.path() + "/xdg").c_str(), 1); }
  static RunOptions read(const Arguments& arguments) {
    auto options = read_run_options(arguments);
    EXPECT_TRUE(options) << options.error().text;
    return options ? *options : RunOptions{};
  }
  // "CODE TEXT" of the early exit.
  static std::string refused(const Arguments& arguments) {
    const auto options = read_run_options(arguments);
    return options ? "accepted" : std::to_string(options.error().code) + " " + options.error().text;
  }
  support::TemporaryFolder folder_;
};

TEST_F(RunOptionsTest, DefaultsToTheFirstRuleOfTheUsualSnakefile) {
  const RunOptions options = read({});
  EXPECT_THAT(options.targets, IsEmpty());
  EXPECT_EQ(options.snakefile, "");
  EXPECT_FALSE(options.cores);
  EXPECT_EQ(options.mode, RunOptions::Mode::kRun);
}

TEST_F(RunOptionsTest, TargetsMayBeAnywhere) {
  const RunOptions options = read({"a", "-n", "b", "-s", "other", "c"});
  EXPECT_THAT(options.targets, ElementsAre("a", "b", "c"));
  EXPECT_EQ(options.snakefile, "other");
  EXPECT_TRUE(options.dry_run);
}

TEST_F(RunOptionsTest, AListEndsAtTheNextOption) {
  const RunOptions options = read({"-R", "one", "two", "-n", "target"});
  EXPECT_THAT(options.force_run, ElementsAre("one", "two"));
  EXPECT_THAT(options.targets, ElementsAre("target"));
}

TEST_F(RunOptionsTest, EverythingAfterTwoDashesIsATarget) {
  const RunOptions options = read({"--config", "a=1", "--", "target", "-n"});
  EXPECT_THAT(options.config, ElementsAre("a=1"));
  EXPECT_THAT(options.targets, ElementsAre("target", "-n"));
  EXPECT_FALSE(options.dry_run);
}

TEST_F(RunOptionsTest, AListGivenTwiceIsConcatenated) {
  EXPECT_THAT(read({"--config", "a=1", "-n", "--config", "b=2", "c=3"}).config,
              ElementsAre("a=1", "b=2", "c=3"));
}

TEST_F(RunOptionsTest, ReadsCoresInEachOfTheUsualWays) {
  for (const Arguments& arguments : std::vector<Arguments>{
           {"-c", "3"}, {"-c3"}, {"--cores", "3"}, {"--cores=3"}, {"-j", "3"}, {"-j3"}, {"--jobs=3"}})
    EXPECT_EQ(read(arguments).cores, "3") << arguments.front();
  for (const Arguments& arguments : std::vector<Arguments>{{"-c"}, {"--cores"}, {"-j"}, {"-c", "all"}})
    EXPECT_EQ(read(arguments).cores, "all") << arguments.front();
  EXPECT_EQ(read({"-j", "2", "-c", "5"}).cores, "5");
}

TEST_F(RunOptionsTest, SplitsPairsAtTheFirstEqualsSign) {
  const RunOptions options =
      read({"--resources", "mem_mb=100", "gpu=1", "--set-threads", "a=4", "--set-resources", "a:mem_mb=x=y",
            "--default-resources", "disk=input.size"});
  EXPECT_THAT(options.resources, ElementsAre(Pair("mem_mb", "100"), Pair("gpu", "1")));
  EXPECT_THAT(options.set_threads, ElementsAre(Pair("a", "4")));
  EXPECT_THAT(options.set_resources, ElementsAre(Pair("a:mem_mb", "x=y")));
  EXPECT_THAT(options.default_resources, Contains(Pair("disk", "input.size")));
  EXPECT_THAT(refused({"--resources", "mem_mb"}),
              HasSubstr("--resources: mem_mb is not of the form NAME=VALUE"));
  EXPECT_THAT(refused({"--set-threads", "=4"}), HasSubstr("not of the form"));
}

TEST_F(RunOptionsTest, SetsSnakemakesDefaultResourcesWithThoseThatAreGiven) {
  const auto names = [&](std::vector<std::string> arguments) {
    std::vector<std::string> all;
    for (const auto& [name, value] : read(arguments).default_resources) all.push_back(name);
    return all;
  };
  EXPECT_THAT(names({}), IsEmpty());
  EXPECT_THAT(names({"--default-resources"}), ElementsAre("mem_mb", "disk_mb"));
  EXPECT_THAT(names({"--default-resources", "x=1"}), ElementsAre("mem_mb", "disk_mb", "x"));
  EXPECT_THAT(names({"--slurm"}), ElementsAre("mem_mb", "disk_mb"));
}

TEST_F(RunOptionsTest, AcceptsListsWithoutAValueAsSnakemakeDoes) {
  const RunOptions options =
      read({"--config", "--resources", "--forcerun", "--wait-for-files", "--default-resources"});
  EXPECT_THAT(options.config, IsEmpty());
  EXPECT_THAT(options.resources, IsEmpty());
  EXPECT_THAT(options.force_run, IsEmpty());
  EXPECT_THAT(options.wait_for_files, IsEmpty());
  EXPECT_THAT(read({"--why"}).why, IsEmpty()) << "all targets";
}

TEST_F(RunOptionsTest, ReadsGroupsAndTheirComponents) {
  const RunOptions options = read({"--slurm", "--groups", "a=g", "b=g_{x}", "--group-components", "g=5"});
  EXPECT_THAT(options.groups, ElementsAre(Pair("a", "g"), Pair("b", "g_{x}")));
  EXPECT_THAT(options.group_components, ElementsAre(Pair("g", 5)));
  EXPECT_THAT(refused({"--slurm", "--group-components", "g=0"}),
              HasSubstr("0 is not a number of components of g"));
  EXPECT_THAT(refused({"--slurm", "--group-components", "g=2x"}),
              HasSubstr("2x is not a number of components of g"));
  EXPECT_THAT(refused({"--slurm", "--groups", "a"}), HasSubstr("--groups: a is not of the form"));
  write("p/config.yaml", "groups:\n  a: h\ngroup-components: [h=2]\n");
  const RunOptions of_profile = read({"--profile", "p"});
  EXPECT_THAT(of_profile.groups, ElementsAre(Pair("a", "h")));
  EXPECT_THAT(of_profile.group_components, ElementsAre(Pair("h", 2)));
  EXPECT_TRUE(of_profile.of_profiles.contains("--groups"));
}

TEST_F(RunOptionsTest, ReadsResourceScopes) {
  EXPECT_THAT(read({"--slurm", "--set-resource-scopes", "gpu=local", "mem_mb=global"}).resource_scopes,
              ElementsAre(Pair("gpu", "local"), Pair("mem_mb", "global")));
  EXPECT_THAT(refused({"--slurm", "--set-resource-scopes", "gpu=here"}),
              HasSubstr("here is neither local nor global"));
}

TEST_F(RunOptionsTest, QuietTakesOnlyItsOwnWords) {
  EXPECT_FALSE(read({}).quiet_progress);
  EXPECT_TRUE(read({"-q"}).quiet_progress);
  EXPECT_FALSE(read({"-q"}).quiet_all);
  EXPECT_TRUE(read({"-q", "all"}).quiet_all);
  EXPECT_THAT(read({"target", "-q"}).targets, ElementsAre("target"));
  EXPECT_THAT(refused({"-q", "target"}), HasSubstr("--quiet: target is not one of progress, rules, all"));
}

TEST_F(RunOptionsTest, ReadsTwoGraphFormats) {
  EXPECT_EQ(read({"--dag"}).mode, RunOptions::Mode::kDag);
  EXPECT_FALSE(read({"--dag", "dot"}).mermaid);
  EXPECT_TRUE(read({"--rulegraph", "mermaid-js"}).mermaid);
  EXPECT_THAT(refused({"--dag", "svg"}), HasSubstr("graph format svg is neither dot nor mermaid"));
}

TEST_F(RunOptionsTest, WhyTakesTargetsOrNone) {
  EXPECT_EQ(read({"--why"}).mode, RunOptions::Mode::kWhy);
  EXPECT_THAT(read({"--why", "a", "b"}).why, ElementsAre("a", "b"));
}

TEST_F(RunOptionsTest, RefusesUnknownTriggers) {
  EXPECT_THAT(read({"--rerun-triggers", "mtime", "code"}).rerun_triggers, ElementsAre("mtime", "code"));
  EXPECT_THAT(refused({"--rerun-triggers", "time"}), HasSubstr("time is not one of mtime, params"));
}

TEST_F(RunOptionsTest, AMistypedOptionErrorNamesTheNearest) {
  EXPECT_THAT(refused({"--dry-rum"}),
              AllOf(::testing::StartsWith("2 "), HasSubstr("there is no option --dry-rum"),
                    HasSubstr("Did you mean --dry-run?")));
  EXPECT_THAT(refused({"--keepgoing=yes"}), HasSubstr("Did you mean --keep-going?"));
  EXPECT_THAT(refused({"--xyzzyxyzzy"}), HasSubstr("see furrow run --help"));
}

TEST_F(RunOptionsTest, ReportsAMissingValue) {
  EXPECT_THAT(refused({"--snakefile"}),
              AllOf(::testing::StartsWith("2 "), HasSubstr("--snakefile"), HasSubstr("--help")));
  EXPECT_THAT(refused({"--retries", "many"}), ::testing::StartsWith("2 "));
}

TEST_F(RunOptionsTest, SaysWhatIsNotSupportedYet) {
  EXPECT_THAT(
      refused({"--export-cwl=x.cwl"}),
      AllOf(::testing::StartsWith("2 "), HasSubstr("--export-cwl: an export to CWL is not supported")));
  EXPECT_THAT(refused({"--containerize", "tarball"}), HasSubstr("tarball is not a kind of recipe"));
  EXPECT_EQ(refused({"--executor", "slurm"}), "accepted");
  EXPECT_THAT(refused({"--executor", "cluster-generic"}), HasSubstr("needs the command of --cluster"));
  EXPECT_THAT(refused({"--executor", "elsewhere"}), HasSubstr("not one of local, slurm"));
  EXPECT_EQ(refused({"--executor", "local"}), "accepted");
}

TEST_F(RunOptionsTest, HelpIsNotAnError) {
  EXPECT_THAT(refused({"--help"}),
              AllOf(::testing::StartsWith("0 "), HasSubstr("--snakefile"), HasSubstr("Examples:")));
}

// ---- profiles

TEST_F(RunOptionsTest, TheCommandLineWinsOverAProfile) {
  write("p/config.yaml", "cores: 8\nkeep-going: true\nretries: 3\nset-threads:\n  a: 2\n");
  const RunOptions options = read({"target", "--profile", "p", "--retries", "1"});
  EXPECT_EQ(options.cores, "8");
  EXPECT_TRUE(options.keep_going);
  EXPECT_EQ(options.retries, 1);
  EXPECT_THAT(options.set_threads, ElementsAre(Pair("a", "2")));
  EXPECT_THAT(options.targets, ElementsAre("target"));
}

TEST_F(RunOptionsTest, AListInAProfileDoesNotSwallowTargets) {
  write("p/config.yaml", "config: [a=1]\nquiet: true\n");
  EXPECT_THAT(read({"--profile", "p", "--", "target"}).targets, ElementsAre("target"));
  EXPECT_THAT(read({"target", "--profile", "p"}).config, ElementsAre("a=1"));
}

TEST_F(RunOptionsTest, JobsOnTheCommandLineWinOverCoresInAProfile) {
  write("p/config.yaml", "cores: 8\n");
  EXPECT_EQ(read({"-j", "2", "--profile", "p"}).cores, "2");
  write("q/config.yaml", "jobs: 8\n");
  EXPECT_EQ(read({"-c", "2", "--profile", "q"}).cores, "2");
}

TEST_F(RunOptionsTest, TheWorkflowProfileWinsOverOthers) {
  write("profiles/default/config.yaml", "retries: 5\n");
  write("p/config.yaml", "retries: 3\ncores: 8\n");
  const RunOptions options = read({"--profile", "p"});
  EXPECT_EQ(options.retries, 5);
  EXPECT_EQ(options.cores, "8");
  EXPECT_EQ(read({"--profile", "p", "--workflow-profile", "none"}).retries, 3);
}

TEST_F(RunOptionsTest, ALaterProfileWinsOverAnEarlierOne) {
  write("p/config.yaml", "retries: 4\ncores: 2\n");
  write("q/config.yaml", "retries: 3\n");
  const RunOptions options = read({"--profile", "p", "q"});
  EXPECT_EQ(options.retries, 3);
  EXPECT_EQ(options.cores, "2");
}

TEST_F(RunOptionsTest, AMissingProfileIsAnError) {
  EXPECT_THAT(refused({"--profile", "gone"}),
              AllOf(::testing::StartsWith("1 "), HasSubstr("there is no profile gone")));
  EXPECT_THAT(refused({"--workflow-profile", "gone"}), HasSubstr("there is no workflow profile gone"));
}

TEST_F(RunOptionsTest, ChecksProfileOptionsLikeAnyOther) {
  write("p/config.yaml", "export-cwl: x.cwl\n");
  EXPECT_THAT(refused({"--profile", "p"}),
              HasSubstr("p/config.yaml:1: export-cwl: an export to CWL is not supported"));
  write("q/config.yaml", "keepgoing: true\n");
  EXPECT_THAT(refused({"--profile", "q"}), HasSubstr("Did you mean keep-going?"));
}

TEST_F(RunOptionsTest, FilesThatAProfileNamesMayStandNextToIt) {
  write("p/config.yaml", "cluster: submit.sh --mem 5\njobscript: job.sh\ncluster-status: status.sh\n");
  for (const char* name : {"p/submit.sh", "p/job.sh", "p/status.sh", "status.sh"}) write(name, "");
  const RunOptions options = read({"--profile", "p"});
  EXPECT_THAT(options.executor.submit, ::testing::EndsWith("/p/submit.sh --mem 5"));
  EXPECT_THAT(options.jobscript, ::testing::EndsWith("/p/job.sh"));
  EXPECT_EQ(options.executor.status, "status.sh") << "the current folder comes first";
}

TEST_F(RunOptionsTest, SoftwareEnvironmentsAreOnByAnyOfTheirOptions) {
  EXPECT_THAT(read({"--use-conda"}).deployment, ElementsAre("conda"));
  EXPECT_THAT(read({"--use-singularity", "--sdm", "conda", "env-modules"}).deployment,
              ElementsAre("apptainer", "conda", "env-modules"));
  EXPECT_THAT(read({"--list-conda-envs"}).deployment, ElementsAre("conda"));
  EXPECT_THAT(read({"--use-conda", "--use-envmodules"}).notes, IsEmpty());
  EXPECT_THAT(read({"--container-runtime", "podman"}).deployment, ElementsAre("apptainer"));
  EXPECT_EQ(read({"--singularity-args", "--bind /data"}).container_arguments, "--bind /data");
  EXPECT_THAT(refused({"--container-runtime", "lxc"}), HasSubstr("lxc is not one of apptainer, podman"));
  write("p/config.yaml", "use-conda: true\nsdm: apptainer\n");
  EXPECT_THAT(read({"--profile", "p"}).deployment, ElementsAre("apptainer", "conda"));
  EXPECT_THAT(read({"--profile", "p"}).notes, IsEmpty());
  EXPECT_THAT(refused({"--sdm", "nix"}), HasSubstr("nix is not one of conda, apptainer, env-modules"));
}

TEST_F(RunOptionsTest, OptionsOfConda) {
  const RunOptions options =
      read({"--conda-prefix", "p", "--conda-frontend", "mamba", "--conda-cleanup-pkgs"});
  EXPECT_EQ(options.conda_prefix, "p");
  EXPECT_EQ(options.conda_frontend, "mamba");
  EXPECT_EQ(options.conda_cleanup_pkgs, "tarballs");
  EXPECT_EQ(read({"--conda-cleanup-pkgs", "cache"}).conda_cleanup_pkgs, "cache");
  EXPECT_THAT(refused({"--conda-cleanup-pkgs", "all"}), HasSubstr("all is neither tarballs nor cache"));
  EXPECT_THAT(refused({"--conda-frontend", "pip"}), HasSubstr("pip is not one of conda, mamba, micromamba"));
}

TEST_F(RunOptionsTest, AnOptionWithoutAValueMayBeTurnedOnOrOffInQuotes) {
  write("p/config.yaml",
        "keep-going: 'True'\nuse-conda: \"False\"\nno-hooks: 'no'\nnotemp: 1\nimmediate-submit: 'false'\n");
  const RunOptions options = read({"--profile", "p"});
  EXPECT_TRUE(options.keep_going && options.not_temp);
  EXPECT_FALSE(options.no_hooks);
  EXPECT_THAT(options.deployment, IsEmpty());
  EXPECT_THAT(options.targets, IsEmpty());
  write("q/config.yaml", "cores: 1\nkeep-going: maybe\n");
  EXPECT_THAT(refused({"--profile", "q"}),
              HasSubstr("q/config.yaml:2: keep-going: maybe is neither true nor false"));
}

TEST_F(RunOptionsTest, AMistakeInAProfileIsNamedWithItsLine) {
  write("p/config.yaml", "jobs: 3\nretries: many\n");
  EXPECT_THAT(refused({"--profile", "p"}), HasSubstr("--retries is given by p/config.yaml:2."));
  write("q/config.yaml", "# lsf\nexecutor: lsf\n");
  EXPECT_THAT(refused({"--profile", "q"}),
              AllOf(HasSubstr("--executor lsf is not one of"), HasSubstr("--cluster the command"),
                    HasSubstr("--executor is given by q/config.yaml:2.")));
}

// ---- clusters

TEST_F(RunOptionsTest, RefusesOptionsWithoutEffect) {
  EXPECT_THAT(refused({"--batch-nodes", "2"}),
              AllOf(::testing::StartsWith("2 "), HasSubstr("--batch-nodes is about the allocations of Slurm"),
                    HasSubstr("Add --executor slurm, or leave it out.")));
  EXPECT_THAT(refused({"--cluster", "qsub", "--batch-nodes", "2"}), HasSubstr("submission of its own"));
  EXPECT_THAT(
      read({"--groups", "a=g", "--group-components", "g=2"}).notes,
      ElementsAre(HasSubstr("--groups has no effect"), HasSubstr("--group-components has no effect")));
  EXPECT_THAT(read({"--slurm", "--groups", "a=g"}).notes, IsEmpty());
  EXPECT_THAT(refused({"--cluster-generic-status-cmd", "ask"}), HasSubstr("Add --cluster COMMAND"));
  EXPECT_EQ(refused({"--executor", "slurm", "--batch-nodes", "2", "--groups", "a=g"}), "accepted");
  EXPECT_EQ(refused({"--seconds-between-status-checks", "5"}), "accepted")
      << "an earlier run may have left jobs";
}

TEST_F(RunOptionsTest, AClusterProfileAlsoWorksWithoutACluster) {
  write("p/config.yaml",
        "executor: slurm\njobs: 50\nbatch-nodes: 2\nlocal-cores: 1\ngroups: [a=g]\ncluster-status: ask\n");
  EXPECT_TRUE(read({"--profile", "p"}).executor.is_cluster());
  const RunOptions here = read({"--profile", "p", "--executor", "local"});
  EXPECT_FALSE(here.executor.is_cluster());
  EXPECT_EQ(here.executor.batch_nodes, 2);
  EXPECT_THAT(refused({"--profile", "p", "--executor", "local", "--packing", "one"}), HasSubstr("--packing"));
  EXPECT_EQ(refused({"--profile", "p", "--packing", "one"}), "accepted") << "batch-nodes is from the profile";
  EXPECT_THAT(refused({"--profile", "p", "--packing", "one", "--batch-nodes", "2"}),
              HasSubstr("--packing one"));
}

TEST_F(RunOptionsTest, TheCommandLineDecidesWhereJobsRun) {
  write("flag/config.yaml", "slurm: true\n");
  write("commands/config.yaml", "cluster: qsub\n");
  write("slurm/config.yaml", "executor: slurm\n");
  EXPECT_EQ(read({"--profile", "flag"}).executor.name, "slurm");
  EXPECT_EQ(read({"--profile", "flag", "--executor", "local"}).executor.name, "local");
  EXPECT_EQ(read({"--profile", "commands", "--executor", "local"}).executor.name, "local");
  EXPECT_EQ(read({"--profile", "commands", "--executor", "slurm"}).executor.name, "slurm");
  EXPECT_EQ(read({"--profile", "commands", "--executor", "cluster-generic"}).executor.name,
            "cluster-generic");
  EXPECT_EQ(read({"--profile", "slurm", "--cluster", "bsub"}).executor.submit, "bsub");
  EXPECT_EQ(read({"--profile", "commands", "slurm"}).executor.name, "slurm") << "the last profile decides";
  EXPECT_THAT(refused({"--executor", "local", "--cluster", "qsub"}), HasSubstr("contradict"));
  EXPECT_THAT(refused({"--executor", "slurm", "--cluster", "qsub"}), HasSubstr("two ways to the same"));
}

TEST_F(RunOptionsTest, JobsWinOverCoresInAClusterProfile) {
  write("p/config.yaml", "executor: slurm\njobs: 50\ncores: 8\n");
  const RunOptions remote = read({"--profile", "p", "-j", "2"});
  EXPECT_EQ(remote.cores, "8");
  EXPECT_EQ(remote.executor.jobs, 2);
  EXPECT_EQ(read({"--profile", "p", "--executor", "local", "-j", "2"}).cores, "2");
}

TEST_F(RunOptionsTest, ClusterNumbersMustBePositive) {
  EXPECT_THAT(refused({"--executor", "slurm", "--batch-nodes", "0"}),
              HasSubstr("--batch-nodes takes a number above 0"));
  EXPECT_THAT(refused({"--executor", "slurm", "--local-cores", "-1"}), HasSubstr("--local-cores takes"));
}

TEST_F(RunOptionsTest, OptionsWithoutEffectAreNamedOnlyIfTheyWereTyped) {
  EXPECT_THAT(read({"--scheduler", "ilp", "target"}).notes,
              ElementsAre(HasSubstr("--scheduler has no effect")));
  EXPECT_THAT(read({"--scheduler", "ilp", "target"}).targets, ElementsAre("target"));
  write(folder_.path() + "/p/config.yaml", "wrapper-prefix: here\nscheduler: greedy\ncores: 3\n");
  const RunOptions options = read({"--profile", folder_.path() + "/p"});
  EXPECT_THAT(options.notes, IsEmpty());
  EXPECT_EQ(options.cores, "3");
}

TEST_F(RunOptionsTest, ARefusedOptionOfAProfileIsNamedWithItsLine) {
  write(folder_.path() + "/p/config.yaml", "cores: 3\nno-shared-fs: true\n");
  EXPECT_THAT(refused({"--profile", folder_.path() + "/p"}),
              AllOf(HasSubstr("config.yaml:2:"), HasSubstr("no-shared-fs"), HasSubstr("shared")));
  write(folder_.path() + "/q/config.yaml", "# cores\ncores: 3\nlatency-wayt: 5\n");
  EXPECT_THAT(refused({"--profile", folder_.path() + "/q"}),
              AllOf(HasSubstr("config.yaml:3:"), HasSubstr("Did you mean latency-wait?")));
  write(folder_.path() + "/r/config.yaml", "no-shared-fs: false\n");
  EXPECT_EQ(refused({"--profile", folder_.path() + "/r"}), "accepted");
}

TEST_F(RunOptionsTest, TheEnvironmentNamesTheUsualProfile) {
  write(folder_.path() + "/p/config.yaml", "cores: 3\n");
  ::setenv("SNAKEMAKE_PROFILE", (folder_.path() + "/p").c_str(), 1);
  EXPECT_EQ(read({}).cores, "3");
  EXPECT_FALSE(read({"--profile", "none"}).cores);
  ::unsetenv("SNAKEMAKE_PROFILE");
}

TEST_F(RunOptionsTest, SubmissionsMayBeLimitedForATimespan) {
  EXPECT_DOUBLE_EQ(read({"--max-jobs-per-timespan", "50/1m"}).executor.submissions_per_s, 50.0 / 60);
  EXPECT_DOUBLE_EQ(read({"--max-jobs-per-timespan", "100/2s"}).executor.submissions_per_s, 50.0);
  for (const char* wrong : {"5", "5/", "/1s", "5/1y", "0/1s", "x/1s"})
    EXPECT_THAT(refused({"--max-jobs-per-timespan", wrong}), HasSubstr("N/TIME")) << wrong;
}

TEST_F(RunOptionsTest, ListsWhatHasChanged) {
  EXPECT_EQ(read({"--list-changes"}).mode, RunOptions::Mode::kListCodeChanges);
  EXPECT_EQ(read({"--lc", "params"}).mode, RunOptions::Mode::kListParamsChanges);
  EXPECT_EQ(read({"--list-input-changes"}).mode, RunOptions::Mode::kListInputChanges);
  EXPECT_THAT(refused({"--list-changes", "colour"}), HasSubstr("code, input, params"));
}

TEST_F(RunOptionsTest, PrintsTheVersion) { EXPECT_THAT(refused({"--version"}), HasSubstr("0 furrow ")); }

}  // namespace
}  // namespace furrow::cli
