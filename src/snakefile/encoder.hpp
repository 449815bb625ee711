// Encodes the engine's requests and answers as JSON (docs/design/evaluator-protocol.md). Each function
// returns a whole message, without its length.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "workflow/rules/evaluator.hpp"

namespace furrow::snakefile {

struct LoadRequest {
  std::vector<std::string>
      argv{};                 // sys.argv of the Snakefile: the program, and what the user gave after "run"
  std::string snakefile;      // absolute
  std::string workdir{};      // --directory, absolute; empty: none
  std::string config = "{}";  // --config as JSON (config_of() in yaml_json.hpp)
  std::vector<std::string> config_args{};
  std::vector<std::string> configfiles{};  // absolute
  int cores = 1;
  int max_threads = 0;  // the most one job may have; 0: as many as there are cores
  int attempt = 1;
  bool stdout_is_data = false;
  std::string mode = "default";
  std::vector<std::string> targets{};
  std::string shadow_prefix{};  // empty: none
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  Pairs default_resources{};                                   // expressions
  Pairs set_threads{};                                         // rule -> expression
  std::vector<std::pair<std::string, Pairs>> set_resources{};  // rule -> name -> expression
  Pairs set_scatter{};                                         // name -> whole number
  Pairs groups{};                                              // rule -> name
  Pairs consider_ancient{};                                    // rule -> inputs, separated by commas
  std::vector<std::string> omit_flags{};
  Pairs limits{};               // --resources
  Pairs places{};               // option without dashes -> line of its profile
  bool replace_config = false;  // use configfiles instead of the workflow's own
  bool quiet = false, dryrun = false, printshellcmds = false;
  bool has_cluster = false;  // jobs run elsewhere
  std::string jobscript{};   // path of a template of the scripts that are submitted; empty: none
  std::vector<std::string> cluster_config{};  // files with values for {cluster.name} in the submit command
  std::string wrapper_prefix{};               // empty: Snakemake's
  std::string edit_notebook{}, draft_notebook{}, notebook_listen{};  // an output; IP:PORT
  std::vector<std::string> deployment{};  // which software environments are on: conda, apptainer, env-modules
};

// The matches of a glob: one list of values for each.
struct GlobAnswer {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> values;
};

std::string encode_load(std::uint64_t id, const LoadRequest& request);
std::string encode_inputs(std::uint64_t id, std::span<const workflow::InputQuestion> jobs);
std::string encode_finished(std::uint64_t id, std::span<const std::string> outputs);
std::string encode_queues(std::uint64_t id);
std::string encode_details(std::uint64_t id, std::span<const workflow::DetailQuestion> jobs);
// OP is prepare, describe or submission; TEXT is for a submission.
std::string encode_jobs(std::uint64_t id, std::string_view op, std::span<const workflow::JobView> jobs,
                        std::string_view text = {});
std::string encode_job(const workflow::JobView& job);  // for encode_fork(); the payload of a Launch
std::string encode_fork(std::uint64_t id, std::uint64_t tag, std::uint32_t slot, std::string_view job);
std::string encode_hook(std::uint64_t id, const std::string& name, const std::string& log_path);
std::string encode_text(std::uint64_t id, const std::string& what);

std::string encode_answer(std::uint64_t ask, const GlobAnswer& answer);
std::string encode_answer(std::uint64_t ask, std::string_view json);  // JSON is the answer as JSON text
std::string encode_answer(std::uint64_t ask, const Error& error);

}  // namespace furrow::snakefile
