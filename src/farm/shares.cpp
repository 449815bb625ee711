#include "farm/shares.hpp"

#include <algorithm>
#include <utility>

namespace furrow::farm {

Shares::Shares(plan::Resources& resources, plan::Budget budget)
    : resources_(resources), budget_(std::move(budget)) {}

void Shares::grow(std::size_t jobs) { by_job_.grow(jobs); }

plan::DemandId Shares::set(plan::JobId job, plan::DemandId demand) { return by_job_[job] = fitting(demand); }

void Shares::take(plan::JobId job) { budget_.take(resources_.amounts(by_job_[job])); }

void Shares::give_back(plan::JobId job) { budget_.give_back(resources_.amounts(by_job_[job])); }

bool Shares::has_free_core() const { return budget_.fits(one_core_); }

double Shares::cores(plan::DemandId demand) const {
  const plan::Amounts& amounts = resources_.amounts(demand);
  return amounts.empty() ? 0
                         : static_cast<double>(std::min(amounts[plan::kCores], budget_.limit(plan::kCores)));
}

plan::DemandId Shares::fitting(plan::DemandId demand) {
  if (demand >= fitting_.size()) fitting_.resize(demand + 1, kUnknown);
  if (fitting_[demand] == kUnknown) {
    plan::Amounts amounts = resources_.amounts(demand);
    for (std::size_t i = 0; i < amounts.size(); ++i)
      amounts[i] = budget_.limit(i) == plan::kUnlimited ? 0 : std::min(amounts[i], budget_.limit(i));
    fitting_[demand] = resources_.demand(std::move(amounts));
  }
  return fitting_[demand];
}

}  // namespace furrow::farm
