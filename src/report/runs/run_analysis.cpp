#include "report/runs/run_analysis.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <utility>

namespace furrow::report {

namespace {

// Ends are measured by another clock than starts.
constexpr double kClockError_s = 0.05;

double end_of(const PicturedAttempt& attempt, double now) {
  return attempt.ended_at > 0 ? attempt.ended_at : std::max(now, attempt.started_at);
}

std::vector<std::uint32_t> by_start(const RunPicture& picture) {
  std::vector<std::uint32_t> order(picture.attempts.size());
  for (std::uint32_t at = 0; at < order.size(); ++at) order[at] = at;
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return picture.attempts[a].started_at < picture.attempts[b].started_at;
  });
  return order;
}

// Each attempt gets the lowest slot that is free when it starts.
void find_slots(RunPicture& picture, const std::vector<std::uint32_t>& order, double now) {
  using Busy = std::pair<double, std::uint32_t>;  // until when, and the slot
  std::priority_queue<Busy, std::vector<Busy>, std::greater<>> busy;
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> free;
  for (const std::uint32_t at : order) {
    PicturedAttempt& attempt = picture.attempts[at];
    while (!busy.empty() && busy.top().first <= attempt.started_at) {
      free.push(busy.top().second);
      busy.pop();
    }
    if (free.empty()) free.push(picture.slots++);
    attempt.slot = free.top();
    free.pop();
    busy.emplace(end_of(attempt, now), attempt.slot);
  }
}

void find_work(RunPicture& picture, double now) {
  for (const PicturedAttempt& attempt : picture.attempts)
    picture.jobs[attempt.job].work_s += end_of(attempt, now) - attempt.started_at;
}

// A job starts after those that it needs, so they come before it in this order.
void find_chains(RunPicture& picture, const JobNeeds& needs, const std::vector<std::uint32_t>& order) {
  std::uint32_t last = kNoJob;
  std::vector<char> is_seen(picture.jobs.size(), 0);
  for (const std::uint32_t at : order) {
    const std::uint32_t number = picture.attempts[at].job;
    PicturedJob& job = picture.jobs[number];
    if (std::exchange(is_seen[number], 1)) continue;  // a further attempt
    double ready = picture.facts.began_at;
    for (const std::uint32_t needed : needs.of(number)) {
      const PicturedJob& before = picture.jobs[needed];
      if (!before.is_of_run || needed == number || before.started_at <= 0) continue;
      if (before.chain_s > job.chain_s) {
        job.chain_s = before.chain_s;
        job.chain_before = needed;
      }
      if (before.ended_at > ready && before.ended_at <= job.started_at + kClockError_s) {
        ready = before.ended_at;
        job.waited_for = needed;
      }
    }
    // Records without a journal may be of many runs.
    if (picture.has_journal) job.ready_at = std::min(ready, picture.attempts[at].started_at);
    job.chain_s += job.work_s;
    if (last == kNoJob || job.chain_s > picture.jobs[last].chain_s) last = number;
  }
  for (std::uint32_t at = last; at != kNoJob; at = picture.jobs[at].chain_before) picture.chain.push_back(at);
  std::reverse(picture.chain.begin(), picture.chain.end());
}

// Goes through all moments at which something starts, ends or becomes ready.
void find_core_use(RunPicture& picture, double now) {
  struct Change {
    std::int64_t busy = 0, ready = 0;
  };
  std::map<double, Change> changes;
  std::vector<char> has_started(picture.jobs.size(), 0);
  for (const PicturedAttempt& attempt : picture.attempts) {
    const PicturedJob& job = picture.jobs[attempt.job];
    changes[attempt.started_at].busy += job.threads;
    changes[end_of(attempt, now)].busy -= job.threads;
    picture.cores.worked += job.threads * (end_of(attempt, now) - attempt.started_at);
    if (std::exchange(has_started[attempt.job], 1)) continue;
    const double ready = job.ready_at;
    if (ready <= 0 || ready >= attempt.started_at) continue;
    picture.waited_s += attempt.started_at - ready;
    ++changes[ready].ready;
    --changes[attempt.started_at].ready;
  }
  if (picture.facts.cores <= 0) return;
  changes[picture.facts.began_at];
  changes[picture.ended_at];
  std::int64_t busy = 0, ready = 0;
  double before = picture.facts.began_at;
  for (const auto& [at, change] : changes) {
    const auto idle = static_cast<double>(std::max<std::int64_t>(0, picture.facts.cores - busy));
    if (at > before) {
      (ready > 0 ? picture.cores.idle_ready : picture.cores.idle_waiting) += idle * (at - before);
      before = at;
    }
    busy += change.busy;
    ready += change.ready;
  }
}

}  // namespace

std::uint32_t JobNeeds::number_of(const std::string& path) {
  const auto [place, is_new] = paths_.try_emplace(path, static_cast<std::uint32_t>(makers_.size()));
  if (is_new) makers_.push_back(kNoJob);
  return place->second;
}

void JobNeeds::add(std::uint32_t job, const store::JobRecord& record) {
  for (const store::FileStamp& output : record.outputs) makers_[number_of(output.path)] = job;
  // That of a job that has not ended has no outputs yet.
  if (record.outputs.empty()) makers_[number_of(record.key)] = job;
  std::vector<std::uint32_t>& inputs = inputs_[job];
  for (const store::FileStamp& input : record.inputs) inputs.push_back(number_of(input.path));
}

std::vector<std::uint32_t> JobNeeds::of(std::uint32_t job) const {
  std::vector<std::uint32_t> makers;
  const auto found = inputs_.find(job);
  if (found == inputs_.end()) return makers;
  for (const std::uint32_t path : found->second) {
    if (makers_[path] != kNoJob) makers.push_back(makers_[path]);
  }
  std::sort(makers.begin(), makers.end());
  makers.erase(std::unique(makers.begin(), makers.end()), makers.end());
  return makers;
}

void analyse(RunPicture& picture, const JobNeeds& needs, double now) {
  const std::vector<std::uint32_t> order = by_start(picture);
  find_work(picture, now);
  find_slots(picture, order, now);
  find_chains(picture, needs, order);
  find_core_use(picture, now);
}

}  // namespace furrow::report
