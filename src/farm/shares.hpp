// What each job takes from the budget of a run: of each resource at most its limit, and none of a resource without a
// limit. Demands that differ only there become one, and their jobs share one line of the queue. Not thread-safe.
#pragma once

#include <cstddef>
#include <vector>

#include "plan/id_table.hpp"
#include "plan/job_graph.hpp"
#include "plan/resources.hpp"

namespace furrow::farm {

class Shares {
 public:
  // RESOURCES is borrowed.
  Shares(plan::Resources& resources, plan::Budget budget);

  std::size_t size() const { return by_job_.size(); }  // how many jobs it knows
  void grow(std::size_t jobs);
  void erase(plan::JobId job) { by_job_.erase(job); }

  // JOB asks for DEMAND. Returns what it takes.
  plan::DemandId set(plan::JobId job, plan::DemandId demand);
  plan::DemandId of(plan::JobId job) const { return by_job_[job]; }
  void take(plan::JobId job);
  void give_back(plan::JobId job);

  bool has_free_core() const;
  // How many cores a job with this DEMAND holds.
  double cores(plan::DemandId demand) const;
  const plan::Budget& budget() const { return budget_; }

 private:
  plan::DemandId fitting(plan::DemandId demand);

  static constexpr plan::DemandId kUnknown = 0xffffffffu;
  plan::Resources& resources_;
  const plan::Amounts one_core_{1};
  plan::Budget budget_;
  plan::IdTable<plan::DemandId> by_job_;
  std::vector<plan::DemandId> fitting_;  // by demand; kUnknown until computed
};

}  // namespace furrow::farm
