// The specifications that a crate follows, and other addresses that it names. Nothing here is ever fetched.
#pragma once

#include <array>

namespace furrow::report {

inline constexpr const char* kCrateProfile = "https://w3id.org/ro/crate/1.1";
inline constexpr const char* kWorkflowProfile = "https://w3id.org/workflowhub/workflow-ro-crate/1.0";

struct Profile {
  const char *id, *name, *version;
};
inline constexpr std::array<Profile, 4> kProfiles{{
    {"https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"},
    {"https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"},
    {"https://w3id.org/ro/wfrun/provenance/0.5", "Provenance Run Crate", "0.5"},
    {kWorkflowProfile, "Workflow RO-Crate", "1.0"},
}};

// The terms of the entities; the last two are of later versions of RO-Crate.
inline constexpr const char* kContext =
    R"(["https://w3id.org/ro/crate/1.1/context","https://w3id.org/ro/terms/workflow-run/context",)"
    R"({"buildInstructions":"https://codemeta.github.io/terms/buildInstructions","localPath":"https://w3id.org/ro/terms#localPath"}])";

inline constexpr const char* kSnakemake = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake";
inline constexpr const char* kComputationalWorkflow =
    "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE";
inline constexpr const char* kCondaFiles =
    "https://conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html";
inline constexpr const char* kImageTypes = "https://w3id.org/ro/terms/workflow-run#";
// The manual of the numbers that the kernel gives.
inline constexpr const char* kUsageTerms = "https://man7.org/linux/man-pages/man2/getrusage.2.html#";
inline constexpr const char* kCompleted = "http://schema.org/CompletedActionStatus";
inline constexpr const char* kFailed = "http://schema.org/FailedActionStatus";
inline constexpr const char* kActive = "http://schema.org/ActiveActionStatus";

}  // namespace furrow::report
