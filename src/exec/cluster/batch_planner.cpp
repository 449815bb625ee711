#include "exec/cluster/batch_planner.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace furrow::exec {

namespace {

struct Expected {
  double seconds = 0;  // 0: unknown
  bool is_measured = false;
};

Expected expected(const WaitingJob& job) {
  if (job.measured_s > 0) return {job.measured_s, true};
  if (job.needs->expected_s > 0) return {job.needs->expected_s, true};
  return {60.0 * static_cast<double>(job.needs->allocation.runtime_min), false};
}

constexpr double kSlower = 4;
// Memory of what runs a batch on each of its nodes, in addition to the jobs: the runner, or a rank with its MPI.
constexpr std::int64_t kRunner_mb = 50, kRank_mb = 100;

bool is_spread(const Allocation& asked) {
  return asked.nodes > 1 || asked.tasks > 1 || asked.tasks_per_node > 1;
}

std::int64_t cores_of(const ClusterNeeds& needs) { return std::max<std::int64_t>(1, needs.allocation.cores); }

// Whether two jobs may share an allocation that offers enough for both.
bool can_share_allocation(const Allocation& a, const Allocation& b) {
  return a.partition == b.partition && a.account == b.account && a.constraint == b.constraint &&
         a.extra == b.extra && a.others == b.others && a.memory_mb_per_core == b.memory_mb_per_core;
}

// --- packed

// How long such an allocation may last, in minutes; 0: no limit.
std::int64_t time_limit(const PlannerOptions& options, const Allocation& asked) {
  const auto found = options.time_limits_min.find(asked.partition);
  return found == options.time_limits_min.end() ? 0 : found->second;
}

// The sum of the `count` largest numbers.
std::int64_t sum_of_largest(std::vector<std::int64_t> numbers, std::size_t count) {
  count = std::min(count, numbers.size());
  std::partial_sort(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(count), numbers.end(),
                    std::greater<>());
  return std::accumulate(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(count),
                         std::int64_t{0});
}

std::int64_t runner_mb(std::int64_t nodes) { return nodes > 1 ? kRank_mb : kRunner_mb; }

// The allocation that the jobs of a batch need if they share `cores` cores on each of its nodes.
Allocation enough_for(const std::vector<WaitingJob>& waiting, const PlannedBatch& batch, std::int64_t cores,
                      const PlannerOptions& options) {
  Allocation asked = waiting[batch.jobs.front()].needs->allocation;
  std::vector<std::int64_t> memory;
  std::int64_t fewest = cores, all_cores = 0, widest = 1, longest_min = 0;
  double work_min = 0, measured_min = 0;
  bool has_all_memory = true, has_all_runtimes = true;
  for (const std::size_t index : batch.jobs) {
    const Allocation& job = waiting[index].needs->allocation;
    const std::int64_t own = cores_of(*waiting[index].needs);
    fewest = std::min(fewest, own);
    widest = std::max(widest, own);
    all_cores += own;
    memory.push_back(job.memory_mb);
    has_all_memory &= job.memory_mb > 0;
    has_all_runtimes &= job.runtime_min > 0;
    longest_min = std::max(longest_min, job.runtime_min);
    work_min += static_cast<double>(job.runtime_min * own);
    const Expected time = expected(waiting[index]);
    measured_min += (time.is_measured ? time.seconds / 60 : static_cast<double>(job.runtime_min)) *
                    static_cast<double>(own);
  }
  asked.cores = std::max(widest, std::min(cores, all_cores));
  const std::int64_t nodes = std::min(options.batch_nodes, (all_cores + asked.cores - 1) / asked.cores);
  if (nodes > 1) asked.nodes = asked.tasks = nodes;
  asked.memory_mb = 0;
  if (has_all_memory) {
    const std::int64_t largest = *std::max_element(memory.begin(), memory.end());
    asked.memory_mb = sum_of_largest(memory, static_cast<std::size_t>(asked.cores / fewest));
    asked.memory_mb += runner_mb(asked.nodes);
    if (options.node_memory_mb > 0)
      asked.memory_mb = std::max(largest, std::min(asked.memory_mb, options.node_memory_mb));
  }
  asked.runtime_min = 0;
  if (has_all_runtimes) {
    const auto all = static_cast<double>(asked.cores * std::max<std::int64_t>(1, nodes));
    // Where jobs take far less than they declare, there is time for one that does take so long, and for the
    // others to be slower than they were.
    const double measured = std::max(kSlower * measured_min / all, static_cast<double>(longest_min));
    asked.runtime_min =
        longest_min + static_cast<std::int64_t>(std::ceil(std::min(work_min / all, measured)));
    if (const std::int64_t most = time_limit(options, asked); most > 0)
      asked.runtime_min = std::max(longest_min, std::min(asked.runtime_min, most));
  }
  return asked;
}

Allocation larger(const Allocation& a, const Allocation& b) {
  Allocation both = a;
  both.cores = std::max(a.cores, b.cores);
  both.nodes = std::max(a.nodes, b.nodes);
  both.tasks = std::max(a.tasks, b.tasks);
  both.memory_mb = a.memory_mb == 0 || b.memory_mb == 0 ? 0 : std::max(a.memory_mb, b.memory_mb);
  both.runtime_min = a.runtime_min == 0 || b.runtime_min == 0 ? 0 : std::max(a.runtime_min, b.runtime_min);
  return both;
}

// Deals the jobs out in turn, so that each batch gets jobs of every kind: those of one kind wait in a row.
void deal_out(PlannedSubmission& planned, const std::vector<std::size_t>& jobs, std::size_t count) {
  planned.batches.resize(std::max<std::size_t>(1, std::min(count, jobs.size())));
  for (std::size_t i = 0; i < jobs.size(); ++i)
    planned.batches[i % planned.batches.size()].jobs.push_back(jobs[i]);
}

// How much work for each core fits into the partition's time limit in addition to the longest job; at least
// as much as that job.
double room_s(const std::vector<WaitingJob>& waiting, const std::vector<std::size_t>& jobs,
              const PlannerOptions& options) {
  const std::int64_t most = time_limit(options, waiting[jobs.front()].needs->allocation);
  if (most == 0) return options.declared_work_s;
  std::int64_t longest = 1;
  for (const std::size_t index : jobs)
    longest = std::max(longest, waiting[index].needs->allocation.runtime_min);
  return 60.0 * static_cast<double>(std::max(longest, most - longest));
}

PlannedSubmission packed(const std::vector<WaitingJob>& waiting, std::vector<std::size_t> jobs,
                         const PlannerOptions& options) {
  const double room = room_s(waiting, jobs, options);
  double load = 0;  // the work, in batches
  for (const std::size_t index : jobs) {
    const Expected time = expected(waiting[index]);
    const double own = static_cast<double>(cores_of(*waiting[index].needs));
    load += time.seconds * own / static_cast<double>(options.batch_cores * options.batch_nodes) /
            std::min(room, time.is_measured ? options.measured_work_s : options.declared_work_s);
  }
  const std::size_t wanted = std::max({std::size_t{1}, static_cast<std::size_t>(std::ceil(load)),
                                       (jobs.size() + options.most_jobs - 1) / options.most_jobs});
  const std::size_t count = std::min({wanted, options.slots, std::max<std::size_t>(1, options.max_array)});
  jobs.resize(std::min(jobs.size(), count * options.most_jobs));
  // If there are not enough slots, some jobs go on waiting: the batches would not have time for all of them.
  if (room < options.declared_work_s) jobs.resize((jobs.size() * count + wanted - 1) / wanted);
  PlannedSubmission planned;
  planned.is_packed = true;
  deal_out(planned, jobs, count);
  planned.allocation = enough_for(waiting, planned.batches.front(), options.batch_cores, options);
  for (const PlannedBatch& batch : planned.batches)
    planned.allocation = larger(planned.allocation, enough_for(waiting, batch, options.batch_cores, options));
  return planned;
}

// --- one job a batch

PlannedSubmission alike(const std::vector<WaitingJob>& waiting, std::vector<std::size_t> jobs,
                        const PlannerOptions& options) {
  PlannedSubmission planned;
  planned.allocation = waiting[jobs.front()].needs->allocation;
  const bool may_be_array = options.packing != Packing::kOne && options.max_array > 1;
  jobs.resize(std::min({jobs.size(), options.slots, may_be_array ? options.max_array : 1}));
  deal_out(planned, jobs, jobs.size());
  return planned;
}

PlannedSubmission alone(const std::vector<WaitingJob>& waiting, std::size_t index) {
  PlannedSubmission planned;
  planned.allocation = waiting[index].needs->allocation;
  planned.batches.push_back({{index}});
  return planned;
}

// For jobs that run one after the other, each with all that one of them asks for.
PlannerOptions turns(const Allocation& asked, PlannerOptions options) {
  options.batch_cores = std::max<std::int64_t>(1, asked.cores);
  options.batch_nodes = 1;
  return options;
}

bool is_packed(const WaitingJob& job, const PlannerOptions& options, std::size_t alike) {
  if (job.is_alone || is_spread(job.needs->allocation)) return false;
  if (options.packing != Packing::kAuto) return options.packing == Packing::kPacked;
  const Expected time = expected(job);
  return time.seconds > 0 ? time.seconds <= options.short_s : alike > options.slots;
}

}  // namespace

std::int64_t PlannedSubmission::memory_for_jobs_mb() const {
  if (!is_packed || allocation.memory_mb == 0) return 0;
  return std::max<std::int64_t>(1, allocation.memory_mb - runner_mb(allocation.nodes));
}

bool is_short(const WaitingJob& job, const PlannerOptions& options) {
  const double seconds = job.is_alone ? 0 : expected(job).seconds;
  return seconds > 0 && seconds <= options.short_s;
}

std::optional<PlannedSubmission> plan_submission(const std::vector<WaitingJob>& waiting,
                                                 const PlannerOptions& options) {
  if (waiting.empty() || options.slots == 0) return std::nullopt;
  const WaitingJob& first = waiting.front();
  const Allocation& asked = first.needs->allocation;
  if (first.is_alone) return alone(waiting, 0);
  std::vector<std::size_t> same;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (!waiting[i].is_alone && waiting[i].needs->allocation == asked) same.push_back(i);
  }
  if (!is_packed(first, options, same.size())) {
    // Some of the jobs with the same allocation may be short: they are packed with others later.
    std::erase_if(same,
                  [&, count = same.size()](std::size_t i) { return is_packed(waiting[i], options, count); });
    return alike(waiting, std::move(same), options);
  }
  // Of unknown duration: as many batches as there is room for.
  if (expected(first).seconds == 0 && options.packing == Packing::kAuto) {
    const std::size_t count = std::min({options.slots, std::max<std::size_t>(1, options.max_array)});
    PlannedSubmission planned;
    planned.is_packed = true;
    deal_out(planned, same, count);
    planned.allocation = asked;
    if (asked.memory_mb > 0) planned.allocation.memory_mb += runner_mb(1);
    return planned;
  }
  if (first.takes_turns) {
    std::erase_if(same,
                  [&, count = same.size()](std::size_t i) { return !is_packed(waiting[i], options, count); });
    return packed(waiting, std::move(same), turns(asked, options));
  }
  std::vector<std::size_t> together;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (can_share_allocation(waiting[i].needs->allocation, asked) &&
        is_packed(waiting[i], options, same.size()))
      together.push_back(i);
  }
  return packed(waiting, std::move(together), options);
}

}  // namespace furrow::exec
