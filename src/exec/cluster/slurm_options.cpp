#include "exec/cluster/slurm_options.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.hpp"

namespace furrow::exec {

namespace {

enum class Takes : std::uint8_t { kValue, kFlag, kNone };

struct Resource {
  std::string_view name;
  std::string_view option{};  // of sbatch, where it becomes one in a plain way
  Takes takes = Takes::kNone;
  bool is_divisible = true;
};

// Those without an option are fields of Allocation, or belong to another resource.
constexpr auto kResources = std::to_array<Resource>({
    {"mem_mb"},
    {"mem_mb_per_cpu"},
    {"runtime"},
    {"cpus_per_task"},
    {"nodes"},
    {"tasks"},
    {"tasks_per_node"},
    {"slurm_partition"},
    {"slurm_account"},
    {"constraint"},
    {"slurm_extra"},
    {"gres", "gres", Takes::kValue, false},
    {"gpu", "gpus", Takes::kNone, false},
    {"gpus", "gpus", Takes::kNone, false},
    {"gpu_model", {}, Takes::kNone, false},
    {"cpus_per_gpu", "cpus-per-gpu", Takes::kValue, false},
    {"tasks_per_gpu", "ntasks-per-gpu", Takes::kValue, false},
    {"qos", "qos", Takes::kValue},
    {"slurm_qos", "qos", Takes::kValue},
    {"reservation", "reservation", Takes::kValue},
    {"slurm_reservation", "reservation", Takes::kValue},
    {"clusters", "clusters", Takes::kValue},
    {"cluster", "clusters", Takes::kValue},
    {"slurm_cluster", "clusters", Takes::kValue},
    {"exclusive", "exclusive", Takes::kFlag, false},
    {"slurm_exclusive", "exclusive", Takes::kFlag, false},
    {"requeue", "requeue", Takes::kFlag},
    {"slurm_requeue", "requeue", Takes::kFlag},
});

// Options of sbatch that say where, when or under which name jobs run, but not what they have there.
constexpr auto kSharedOptions = std::to_array<std::string_view>(
    {"account",    "begin",    "chdir",     "clusters",    "comment",   "constraint", "deadline",
     "dependency", "error",    "exclude",   "job-name",    "mail-type", "mail-user",  "nice",
     "no-requeue", "nodelist", "open-mode", "output",      "partition", "prefer",     "priority",
     "qos",        "quiet",    "requeue",   "reservation", "time",      "verbose",    "wckey"});
constexpr std::string_view kSharedLetters = "AbCdDeiJMopqQtvwx";

const Resource* find(std::string_view name) {
  const auto* const found = std::find_if(kResources.begin(), kResources.end(),
                                         [&](const Resource& resource) { return resource.name == name; });
  return found == kResources.end() ? nullptr : found;
}

const std::string* value_of(const Allocation& asked, std::initializer_list<std::string_view> names) {
  for (const auto& [name, value] : asked.others) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return &value;
  }
  return nullptr;
}

bool is_set(const std::string& flag) {
  return flag != "0" && flag != "False" && flag != "false" && !flag.empty();
}

std::string flag_option(std::string_view option, const std::string& value) {
  if (!is_set(value)) return {};
  const bool is_plain = value == "1" || value == "True" || value == "true";
  return " --" + std::string(option) + (is_plain ? "" : "=" + shell_quote(value));
}

std::string gpus_option(const Allocation& asked) {
  const std::string* const count = value_of(asked, {"gpu", "gpus"});
  if (!count || !is_set(*count)) return {};
  const std::string* const model = value_of(asked, {"gpu_model"});
  return " --gpus=" + shell_quote(model && !model->empty() ? *model + ":" + *count : *count);
}

// Whether one word of `slurm_extra` leaves an allocation divisible. The words of the user may be quoted once more.
bool is_divisible(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of("'\""), word.size()));
  if (!word.starts_with('-')) return true;  // the value of an option
  if (!word.starts_with("--"))
    return word.size() > 1 && kSharedLetters.find(word[1]) != std::string_view::npos;
  const std::string_view name = word.substr(2, word.find_first_of("='\"") - 2);
  return std::find(kSharedOptions.begin(), kSharedOptions.end(), name) != kSharedOptions.end();
}

}  // namespace

bool is_slurm_resource(std::string_view name) { return find(name) != nullptr; }

std::vector<std::string> slurm_resources() {
  std::vector<std::string> names;
  for (const Resource& resource : kResources) names.emplace_back(resource.name);
  return names;
}

std::optional<std::string> misspelled_slurm_resource(std::string_view name) {
  constexpr std::size_t kLong = 8;  // shorter names, such as "cores", are near to others by chance
  if (find(name)) return std::nullopt;
  const bool is_for_slurm = name.starts_with("slurm_") || name.starts_with("sbatch_");
  if (!is_for_slurm && name.size() < kLong) return std::nullopt;
  std::string meant = nearest(name, slurm_resources());
  return is_for_slurm || !meant.empty() ? std::optional(std::move(meant)) : std::nullopt;
}

std::string options_for_others(const Allocation& asked) {
  std::string text = gpus_option(asked);
  for (const auto& [name, value] : asked.others) {
    const Resource* const resource = find(name);
    if (!resource || value.empty()) continue;
    if (resource->takes == Takes::kFlag) text += flag_option(resource->option, value);
    if (resource->takes == Takes::kValue)
      text += " --" + std::string(resource->option) + "=" + shell_quote(value);
  }
  return text;
}

bool may_requeue(const Allocation& asked) {
  const std::string* const flag = value_of(asked, {"requeue", "slurm_requeue"});
  return flag && is_set(*flag);
}

bool is_divisible(const Allocation& asked) {
  for (const auto& [name, value] : asked.others) {
    const Resource* const resource = find(name);
    if (resource && !resource->is_divisible && is_set(value)) return false;
  }
  if (asked.extra.empty()) return true;
  const std::vector<std::string> words = split(asked.extra, ' ');
  return std::all_of(words.begin(), words.end(), [](const std::string& word) { return is_divisible(word); });
}

}  // namespace furrow::exec
