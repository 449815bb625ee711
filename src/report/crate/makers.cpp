#include "report/crate/makers.hpp"

#include <algorithm>
#include <set>

#include "os/files/files.hpp"

namespace furrow::report {

Makers::Makers(const CrateContents& contents) : contents_(contents) {
  const std::vector<PlannedJob>& jobs = contents.plan.jobs;
  for (std::uint32_t at = 0; at < jobs.size(); ++at) {
    for (const std::uint32_t version : jobs[at].outputs) makers_[contents.file(version).path] = at;
  }
}

std::uint32_t Makers::of(const std::string& path) const {
  for (std::string place = path; !place.empty(); place = os::parent_of(place)) {
    const auto found = makers_.find(place);
    if (found != makers_.end()) return found->second;
    if (place == "/") break;
  }
  return kNoJob;
}

std::vector<int> Makers::positions() const {
  const CratePlan& plan = contents_.plan;
  std::vector<std::set<std::uint32_t>> users(plan.rules.size());
  std::vector<std::size_t> needs(plan.rules.size(), 0);
  for (const PlannedJob& job : plan.jobs) {
    for (const std::uint32_t version : job.inputs) {
      const std::uint32_t maker = of(contents_.file(version).path);
      if (maker == kNoJob || plan.jobs[maker].rule == job.rule) continue;
      if (users[plan.jobs[maker].rule].insert(job.rule).second) ++needs[job.rule];
    }
  }
  std::vector<int> positions(plan.rules.size(), 0);
  std::vector<std::uint32_t> ready;
  for (std::uint32_t rule = 0; rule < needs.size(); ++rule) {
    if (needs[rule] == 0) ready.push_back(rule);
  }
  for (std::size_t at = 0; at < ready.size(); ++at) {
    positions[ready[at]] = static_cast<int>(at) + 1;
    for (const std::uint32_t user : users[ready[at]]) {
      if (--needs[user] == 0) ready.push_back(user);
    }
  }
  if (ready.size() < positions.size()) std::fill(positions.begin(), positions.end(), 0);
  return positions;
}

}  // namespace furrow::report
