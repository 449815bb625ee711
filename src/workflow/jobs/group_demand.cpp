#include "workflow/jobs/group_demand.hpp"

#include <algorithm>
#include <set>

#include "base/strings.hpp"

namespace furrow::workflow {

namespace {

using Numbers = std::map<std::string, std::int64_t>;
using Limits = std::map<std::string, std::int64_t>;

constexpr const char* kRuntime = "runtime";

// Whether a resource says how a single job is laid out, instead of an amount that jobs share.
bool is_of_each_job(const std::string& name) {
  static const std::set<std::string> kNames{"nodes", "tasks", "mem_mb_per_cpu", "gpus_per_task"};
  return kNames.contains(name);
}

void run_in_sequence(Numbers& before, const Numbers& after) {
  for (const auto& [name, value] : after) {
    std::int64_t& all = before[name];
    all = name == kRuntime ? all + value : std::max(all, value);
  }
}

void run_in_parallel(Numbers& layer, const Numbers& job) {
  for (const auto& [name, value] : job) {
    std::int64_t& all = layer[name];
    all = name == kRuntime || is_of_each_job(name) ? std::max(all, value) : all + value;
  }
}

bool fits(const Numbers& layer, const Limits& limits) {
  return std::all_of(limits.begin(), limits.end(), [&](const auto& limit) {
    const auto asked = layer.find(limit.first);
    return limit.first == kRuntime || asked == layer.end() || asked->second <= limit.second;
  });
}

// The numbers that DEMAND asks for, cut to the limits.
Numbers numbers_of(const JobDemands::Demand& demand, const Limits& limits) {
  Numbers numbers;
  numbers[kCoresLimit] = demand.threads;
  for (const auto& [name, value] : demand.resources) {
    const auto* const number = std::get_if<std::int64_t>(&value);
    if (!number || name == kCoresLimit) continue;
    numbers[name == "cpus_per_task" ? kCoresLimit : name] = *number;  // a rule may give either name
  }
  for (const auto& [name, limit] : limits) {
    if (const auto asked = numbers.find(name); asked != numbers.end() && name != kRuntime)
      asked->second = std::min(asked->second, limit);
  }
  return numbers;
}

double largest_share(const Numbers& job, const Limits& limits) {
  double largest = 0;
  for (const auto& [name, limit] : limits) {
    const auto asked = job.find(name);
    if (asked == job.end() || limit <= 0 || name == kRuntime) continue;
    largest = std::max(largest, static_cast<double>(asked->second) / static_cast<double>(limit));
  }
  return largest;
}

// The total demand of jobs of one depth. Jobs of similar length go together, and large jobs go first, so that
// the layers are well filled.
Numbers stacked(std::vector<Numbers> jobs, const Limits& limits) {
  const auto runtime = [](const Numbers& job) {
    const auto found = job.find(kRuntime);
    return found == job.end() ? 0 : found->second;
  };
  std::stable_sort(jobs.begin(), jobs.end(), [&](const Numbers& a, const Numbers& b) {
    if (runtime(a) != runtime(b)) return runtime(a) > runtime(b);
    return largest_share(a, limits) > largest_share(b, limits);
  });
  std::vector<Numbers> layers;
  const Numbers* last = nullptr;
  std::ptrdiff_t at = 0;  // the layer that took it: earlier layers have no room for an equal job
  for (const Numbers& job : jobs) {
    if (last == nullptr || job != *last) at = 0;
    const auto place = std::find_if(layers.begin() + at, layers.end(), [&](Numbers layer) {
      run_in_parallel(layer, job);
      return fits(layer, limits);
    });
    at = place - layers.begin();
    run_in_parallel(place == layers.end() ? layers.emplace_back() : *place, job);
    last = &job;
  }
  Numbers all;
  for (const Numbers& layer : layers) run_in_sequence(all, layer);
  return all;
}

using Texts = std::map<std::string, std::pair<std::string, std::string>>;  // value, and the rule that says it

Result<void> add_texts(const GroupMember& member, Texts& texts) {
  for (const auto& [name, value] : member.demand->resources) {
    const auto* const text = std::get_if<std::string>(&value);
    if (!text || name == "tmpdir") continue;
    const auto [known, is_new] = texts.try_emplace(name, *text, member.rule);
    // The readable form ("1 GB") of a number, which is what counts.
    if (is_new || known->second.first == *text || name == "mem" || name == "disk") continue;
    return fail(Error{"jobs of one group ask for different values of " + name + ": rule " +
                          known->second.second + " for " + known->second.first + ", rule " + member.rule +
                          " for " + *text,
                      {},
                      0,
                      "They go to the cluster as one job: give them the same value, or different groups."});
  }
  return {};
}

// Jobs that run at once.
struct Together {
  Numbers numbers;
  std::uint32_t depth = 0;
  std::vector<std::string> rules;
};

Error no_room_for(const Together& gang, const Limits& limits) {
  std::vector<std::string> excess;
  for (const auto& [name, limit] : limits) {
    const auto asked = gang.numbers.find(name);
    if (name == kRuntime || asked == gang.numbers.end() || asked->second <= limit) continue;
    excess.push_back(std::to_string(asked->second) + " " + (name == kCoresLimit ? "cores" : name) +
                     " of at most " + std::to_string(limit));
  }
  return Error{"the rules " + join(gang.rules, ", ") +
                   " run at once, since pipes or services connect them, and together they need " +
                   join(excess, " and "),
               {},
               0,
               "Raise the limit (--cores, --resources), or let the rules ask for less."};
}

}  // namespace

Result<JobDemands::Demand> demand_of_group(const std::vector<GroupMember>& members, const Limits& limits) {
  std::map<std::uint32_t, std::vector<Numbers>> by_depth;
  std::map<std::uint32_t, Together> gangs;
  Texts texts;
  for (const GroupMember& member : members) {
    FURROW_TRY(add_texts(member, texts));
    Numbers numbers = numbers_of(*member.demand, limits);
    if (member.gang == 0) {
      by_depth[member.depth].push_back(std::move(numbers));
      continue;
    }
    Together& gang = gangs[member.gang];
    gang.depth = std::max(gang.depth, member.depth);
    gang.rules.push_back(member.rule);
    run_in_parallel(gang.numbers, numbers);
  }
  for (auto& [number, gang] : gangs) {
    if (!fits(gang.numbers, limits)) return fail(no_room_for(gang, limits));
    by_depth[gang.depth].push_back(std::move(gang.numbers));
  }
  Numbers all;
  for (auto& [depth, jobs] : by_depth) run_in_sequence(all, stacked(std::move(jobs), limits));
  JobDemands::Demand demand;
  demand.threads = std::max<std::int64_t>(1, all[kCoresLimit]);
  for (const auto& [name, value] : all) {
    if (name != kCoresLimit) demand.resources.emplace_back(name, value);
  }
  for (const auto& [name, value] : texts) demand.resources.emplace_back(name, value.first);
  return demand;
}

}  // namespace furrow::workflow
