#include "cli/run/other_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "base/strings.hpp"
#include "cli/run/run_option_table.hpp"

namespace furrow::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// All option names of Snakemake 7.32 and 9.25.
constexpr const char* kSnakemakeNames =
    "--all-temp --allow-ambiguity --allowed-rules --apptainer-args --apptainer-prefix --archive "
    "--attempt --az-batch --az-batch-account-url --az-batch-enable-autoscale --bash-completion "
    "--batch --benchmark-extended --cache --cleanup-containers --cleanup-metadata "
    "--cleanup-shadow --cluster --cluster-cancel --cluster-cancel-nargs --cluster-config "
    "--cluster-sidecar --cluster-status --cluster-sync --cm --conda-base-path "
    "--conda-cleanup-envs --conda-cleanup-pkgs --conda-create-envs-only --conda-frontend "
    "--conda-not-block-search-path-envvars --conda-prefix --config --configfile --configfiles "
    "--consider-ancient --container-cleanup-images --container-image --containerize --cores "
    "--d3dag --dag --debug --debug-dag --default-remote-prefix --default-remote-provider "
    "--default-res --default-resources --default-storage-prefix --default-storage-provider "
    "--delete-all-output --delete-temp-output --deploy-sources --deployment --deployment-method "
    "--detailed-summary --directory --draft-notebook --drmaa --drmaa-log-dir --drop-metadata "
    "--dry-run --dryrun --edit-notebook --envvars --executor --export-cwl --filegraph --flux "
    "--force --force-use-threads --forceall --forcerun --generate-unit-tests "
    "--google-lifesciences --google-lifesciences-keep-cache --google-lifesciences-location "
    "--google-lifesciences-network --google-lifesciences-regions "
    "--google-lifesciences-service-account-email --google-lifesciences-subnetwork --greediness "
    "--group-components --groups --gui --ignore-incomplete --ii --immediate-submit --is --jn "
    "--job-deploy-sources --jobname --jobs --jobscript --js --k8s-cpu-scalar "
    "--k8s-service-account-name --keep-going --keep-incomplete --keep-remote "
    "--keep-storage-local-copies --keep-target-files --kubernetes --latency-wait --lc --li --lint "
    "--list --list-changes --list-code-changes --list-conda-envs --list-input-changes "
    "--list-params-changes --list-rules --list-target-rules --list-untracked "
    "--list-version-changes --local-cores --local-groupid --local-storage-prefix "
    "--log-handler-script --log-service --logger --lp --lt --lu --lv --max-checksum-file-size "
    "--max-inventory-time --max-jobs-per-second --max-jobs-per-timespan "
    "--max-status-checks-per-second --max-threads --mode --no-hooks --no-shared-fs "
    "--no-subworkflows --no-temp --nocolor --nolock --nosw --not-retrieve-storage "
    "--notebook-listen --notemp --nt --omit-flags --omit-from --output-wait --overwrite-shellcmd "
    "--persistence-backend --persistence-backend-db-url --precommand --preemptible-retries "
    "--preemptible-rules --preemption-default --print-compilation --printshellcmds --prioritize "
    "--profile --queue-input-wait-time --quiet --reason --remote-job-local-storage-prefix "
    "--replace-workflow-config --report --report-after-run --report-metadata --report-stylesheet "
    "--reporter --rerun-incomplete --rerun-triggers --res --resources --restart-times --retries "
    "--ri --rulegraph --runtime-profile --runtime-source-cache-path --scheduler "
    "--scheduler-greediness --scheduler-ilp-solver --scheduler-solver-path --scheduler-subsample "
    "--sdm --seconds-between-status-checks --set-resource-scopes --set-resources --set-scatter "
    "--set-threads --shadow-prefix --shared-fs-usage --show-failed-logs --singularity-args "
    "--singularity-prefix --skip-script-cleanup --slurm --slurm-jobstep --snakefile "
    "--software-deployment-method --stats --strict-dag-evaluation --summary "
    "--target-files-omit-workdir-adjustment --target-jobs --tes --tibanna --tibanna-config "
    "--tibanna-sfn --touch --trust-io-cache --unlock --unneeded-temp-files --until "
    "--use-apptainer --use-conda --use-envmodules --use-singularity --verbose --version "
    "--wait-for-files --wait-for-files-file --wait-for-free-local-storage --wms-monitor "
    "--wms-monitor-arg --workflow-profile --wrapper-prefix ";

TEST(OtherOptions, EveryOptionOfSnakemakeIsKnown) {
  CLI::App app;
  RunParsedArgs args;
  add_run_options(app, args);
  for (const std::string& name : split(kSnakemakeNames, ' ')) {
    if (name.empty() || name == "--help" || name == "--version") continue;
    const bool is_known = app.get_option_no_throw(name) != nullptr || find_other_option(name) != nullptr;
    EXPECT_TRUE(is_known) << name;
  }
}

TEST(OtherOptions, NoNameIsBothARealOptionAndAnother) {
  for (const OtherOption& option : other_options()) {
    CLI::App app;
    RunParsedArgs args;
    const TypedNames typed(split(std::string(option.names), ','));
    EXPECT_NO_THROW(add_run_options(app, args, &typed));
    if (!option.accepts.empty()) continue;
    for (const std::string& name : split(std::string(option.names), ','))
      EXPECT_EQ(app.get_option_no_throw(name), nullptr) << name;
  }
}

TEST(OtherOptions, OnlyOptionsThatWereTypedAreSetUp) {
  CLI::App app;
  RunParsedArgs args;
  const TypedNames typed({"target", "-np", "--cores=3", "--conda-cleanup-pkgs", "--", "--touch"});
  add_run_options(app, args, &typed);
  for (const char* name : {"-n", "--printshellcmds", "--cores", "--conda-cleanup-pkgs", "targets"})
    EXPECT_NE(app.get_option_no_throw(name), nullptr) << name;
  for (const char* name : {"--touch", "--quiet", "--report"})
    EXPECT_EQ(app.get_option_no_throw(name), nullptr) << name;
}

TEST(OtherOptions, RefusalsSayWhy) {
  const OtherOption* const cwl = find_other_option("--export-cwl");
  ASSERT_NE(cwl, nullptr);
  EXPECT_THAT(refusal(*cwl, "--export-cwl", {}),
              HasSubstr("--export-cwl: an export to CWL is not supported"));
  for (const OtherOption& option : other_options()) EXPECT_FALSE(option.text.empty()) << option.names;
}

TEST(OtherOptions, SomeAreAcceptedOnlyWithCertainValues) {
  const OtherOption* const storage = find_other_option("--default-storage-provider");
  ASSERT_NE(storage, nullptr);
  const std::vector<std::string> local{"fs"}, remote{"s3"};
  EXPECT_THAT(refusal(*storage, "--default-storage-provider", local), IsEmpty());
  EXPECT_THAT(refusal(*storage, "--default-storage-provider", remote), HasSubstr("s3"));
}

TEST(OtherOptions, TheFirstLongNameStandsForTheOption) {
  EXPECT_EQ(first_long_name("-r,--reason"), "--reason");
  EXPECT_EQ(first_long_name("--a,--b"), "--a");
}

}  // namespace
}  // namespace furrow::cli
