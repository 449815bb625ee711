#include "cli/run/other_options.hpp"

#include <algorithm>

namespace furrow::cli {

namespace {

using enum OtherOption::Values;

constexpr std::string_view kAccepted = "*", kRefused = "";

constexpr std::string_view kOneScheduler = "Furrow has one scheduler";
constexpr std::string_view kOnlyStorage = "it matters only with remote storage";
constexpr std::string_view kOnlyClouds = "it matters only on clouds";
constexpr std::string_view kOwnStore = "Furrow keeps its records in .furrow/";
constexpr std::string_view kOwnSlurm =
    "Furrow's own Slurm executor keeps logs in .furrow/ and asks Slurm in its way";
constexpr std::string_view kClouds =
    "clouds are not supported; use --executor slurm, or --cluster with a submit command";
constexpr std::string_view kInternal = "Snakemake gives this option to its own child processes alone";
constexpr std::string_view kStorage =
    "remote storage is not supported yet; copy the files in rules of the workflow";
constexpr std::string_view kUnused =
    "not supported yet; --why and --rerun-triggers show and set what counts as a change";

constexpr OtherOption kOptions[] = {
    // Scheduling and the engine's own work.
    {"-r,--reason", kNone, kAccepted, "reasons are always given with -n"},
    {"--scheduler", kOne, kAccepted, kOneScheduler},
    {"--scheduler-ilp-solver", kOne, kAccepted, kOneScheduler},
    {"--scheduler-solver-path", kOne, kAccepted, kOneScheduler},
    {"--scheduler-greediness,--greediness", kOne, kAccepted, kOneScheduler},
    {"--scheduler-subsample", kOne, kAccepted, kOneScheduler},
    {"--trust-io-cache", kNone, kAccepted, "the status of each file is read only once anyway"},
    {"--max-inventory-time", kOne, kAccepted, "there is no inventory: the status of each file is read once"},
    {"--nocolor", kNone, kAccepted, "only terminals get colours"},
    {"--force-use-threads", kNone, kAccepted, "run: blocks are always processes of their own"},
    {"--keep-target-files,--target-files-omit-workdir-adjustment", kNone, kAccepted,
     "targets are always taken as they are given"},
    {"--no-subworkflows,--nosw", kNone, kAccepted, "there are no subworkflows"},
    {"--skip-script-cleanup", kNone, kAccepted, "scripts are run where they are"},
    {"--persistence-backend", kOne, kAccepted, kOwnStore},
    {"--persistence-backend-db-url", kOne, kAccepted, kOwnStore},
    {"--runtime-source-cache-path", kOne, kAccepted, "sources are read where they are"},
    {"--job-deploy-sources", kNone, kAccepted, "jobs read the sources through the shared file system"},
    {"--logger", kSeveral, kAccepted, "Furrow has no plugins for its log"},
    {"--wms-monitor", kAtMostOne, kAccepted, "Furrow does not report to monitoring services"},
    {"--wms-monitor-arg", kSeveral, kAccepted, "Furrow does not report to monitoring services"},
    {"--jobname,--jn", kOne, kAccepted, "jobs on a cluster are named by Furrow"},
    {"--log-service", kOne, "none", "Furrow does not send messages; send them from onsuccess: and onerror:"},

    // Of the Slurm plugin of versions 8 and 9.
    {"--slurm-logdir", kOne, kAccepted, kOwnSlurm},
    {"--slurm-keep-successful-logs", kNone, kAccepted, kOwnSlurm},
    {"--slurm-delete-logfiles-older-than", kOne, kAccepted, kOwnSlurm},
    {"--slurm-init-seconds-before-status-checks", kOne, kAccepted, kOwnSlurm},
    {"--slurm-status-attempts", kOne, kAccepted, kOwnSlurm},
    {"--slurm-status-command", kOne, kAccepted, kOwnSlurm},
    {"--slurm-efficiency-report", kNone, kAccepted, kOwnSlurm},
    {"--slurm-efficiency-report-path", kOne, kAccepted, kOwnSlurm},
    {"--slurm-efficiency-threshold", kOne, kAccepted, kOwnSlurm},
    {"--slurm-jobname-prefix", kOne, kAccepted, kOwnSlurm},
    {"--slurm-pass-command-as-script", kNone, kAccepted, kOwnSlurm},
    {"--slurm-array-jobs", kSeveral, kAccepted, "--packing says how jobs share submissions"},
    {"--slurm-array-limit", kOne, kAccepted, "--packing says how jobs share submissions"},
    {"--slurm-no-account", kNone, kAccepted,
     "an account is given only if the resource slurm_account names one"},
    {"--slurm-requeue", kNone, kAccepted, "a job that lost its node is submitted again anyway"},
    {"--slurm-qos", kOne, kRefused, "give it as a resource: --default-resources qos=NAME"},
    {"--slurm-reservation", kOne, kRefused, "give it as a resource: --default-resources reservation=NAME"},
    {"--slurm-partition-config", kOne, kRefused, "name partitions as a resource: slurm_partition"},
    {"--cache", kSeveral, kAccepted, "results are not shared between workflows; each makes its own"},

    // Of environments, containers and storage.
    {"--container-image", kOne, kAccepted, kOnlyClouds},
    {"--default-storage-prefix,--default-remote-prefix", kOne, kAccepted, kOnlyStorage},
    {"--local-storage-prefix", kOne, kAccepted, kOnlyStorage},
    {"--remote-job-local-storage-prefix", kOne, kAccepted, kOnlyStorage},
    {"--keep-storage-local-copies,--keep-remote", kNone, kAccepted, kOnlyStorage},
    {"--not-retrieve-storage", kNone, kAccepted, kOnlyStorage},
    {"--unneeded-temp-files", kSeveral, kAccepted, kOnlyStorage},
    {"--wait-for-free-local-storage", kOne, kAccepted, kOnlyStorage},
    {"--preemptible-rules", kSeveral, kAccepted, kOnlyClouds},
    {"--preemptible-retries,--preemption-default", kOne, kAccepted, kOnlyClouds},
    {"--drmaa-log-dir", kOne, kAccepted, "it matters only with --drmaa"},
    {"--default-storage-provider", kOne, "none fs",
     "remote storage is not supported yet; with none and fs, files are used where they are"},
    {"--shared-fs-usage", kSeveral,
     "persistence input-output software-deployment source-cache sources storage-local-copies",
     "jobs on a cluster need a file system that all nodes share"},

    // Refused: storage.
    {"--default-remote-provider", kOne, kRefused, kStorage},
    {"--deploy-sources", kSeveral, kRefused, kInternal},

    // Refused: clusters and clouds.
    {"--no-shared-fs", kNone, kRefused, "jobs on a cluster need a file system that all nodes share"},
    {"--cluster-sidecar", kOne, kRefused, "start the sidecar before furrow run"},
    {"--drmaa", kAtMostOne, kRefused, "DRMAA is not supported; use --executor slurm or --cluster"},
    {"--immediate-submit,--is", kNone, kRefused,
     "jobs are submitted when those that they need have ended; groups: submits several together"},
    {"--kubernetes", kAtMostOne, kRefused, kClouds},
    {"--k8s-cpu-scalar", kOne, kRefused, kClouds},
    {"--k8s-service-account-name", kOne, kRefused, kClouds},
    {"--flux", kNone, kRefused, kClouds},
    {"--tibanna", kNone, kRefused, kClouds},
    {"--tibanna-config", kSeveral, kRefused, kClouds},
    {"--tibanna-sfn", kOne, kRefused, kClouds},
    {"--tes", kOne, kRefused, kClouds},
    {"--az-batch", kNone, kRefused, kClouds},
    {"--az-batch-account-url", kAtMostOne, kRefused, kClouds},
    {"--az-batch-enable-autoscale", kNone, kRefused, kClouds},
    {"--google-lifesciences", kNone, kRefused, kClouds},
    {"--google-lifesciences-keep-cache", kNone, kRefused, kClouds},
    {"--google-lifesciences-location", kOne, kRefused, kClouds},
    {"--google-lifesciences-network", kOne, kRefused, kClouds},
    {"--google-lifesciences-regions", kSeveral, kRefused, kClouds},
    {"--google-lifesciences-service-account-email", kOne, kRefused, kClouds},
    {"--google-lifesciences-subnetwork", kOne, kRefused, kClouds},
    {"--slurm-jobstep", kNone, kRefused, kInternal},
    {"--mode", kOne, kRefused, kInternal},
    {"--attempt", kOne, kRefused, kInternal},
    {"--local-groupid", kOne, kRefused, kInternal},
    {"--target-jobs", kSeveral, kRefused, kInternal},

    // Refused: what Furrow does not do.
    {"--log-handler-script", kOne, kRefused, "use onstart:, onsuccess: and onerror:"},
    {"--export-cwl", kOne, kRefused, "an export to CWL is not supported"},
    {"--generate-unit-tests", kAtMostOne, kRefused, "making unit tests is not supported"},
    {"--debug", kNone, kRefused, "run: blocks have no terminal; call their code from a script of yours"},
    {"--overwrite-shellcmd", kOne, kRefused, "-n -p prints the commands without running them"},
    {"--gui", kAtMostOne, kRefused, "there is no page to look at; --dag draws the graph"},
    {"--runtime-profile", kOne, kRefused, "--verbose says how long loading and planning take"},
    {"--bash-completion", kNone, kRefused,
     "completions for bash, zsh and fish are installed with the command"},
    {"--drop-metadata", kNone, kRefused, "Furrow needs its records to see what is up to date"},
    {"--cleanup-shadow", kNone, kRefused, "each run removes the shadow folders that a killed run left"},
    {"--list-version-changes,--lv", kNone, kRefused,
     "version: is a part of the code; see --list-changes code"},
    {"--allowed-rules", kSeveral, kRefused, "--until and --omit-from choose a part of the workflow"},
};

bool is_in(std::string_view name, std::string_view list, char separator) {
  while (!list.empty()) {
    const std::size_t end = list.find(separator);
    if (list.substr(0, end) == name) return true;
    list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  }
  return false;
}

}  // namespace

std::span<const OtherOption> other_options() { return kOptions; }

std::string first_long_name(std::string_view names) {
  const std::size_t begin = names.find("--");
  return std::string(names.substr(begin, names.find(',', begin) - begin));
}

const OtherOption* find_other_option(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kOptions), std::end(kOptions),
                   [&](const OtherOption& option) { return is_in(name, option.names, ','); });
  return found == std::end(kOptions) ? nullptr : found;
}

std::string refusal(const OtherOption& option, std::string_view name, std::span<const std::string> values) {
  if (option.accepts == kAccepted) return {};
  if (option.accepts == kRefused) return std::string(name) + ": " + std::string(option.text);
  for (const std::string& value : values)
    if (!is_in(value, option.accepts, ' '))
      return std::string(name) + " " + value + ": " + std::string(option.text);
  return {};
}

}  // namespace furrow::cli
