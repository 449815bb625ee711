#include "plan/gang_demand.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace furrow::plan {

namespace {

std::string named(const std::vector<std::string>& names) {
  std::vector<std::string> shown(names.begin(), names.end());
  const std::string last = shown.back();
  shown.pop_back();
  return shown.empty() ? last : join(shown, ", ") + " and " + last;
}

}  // namespace

Result<Amounts> gang_amounts(std::span<const DemandId> demands, const Resources& resources,
                             const Budget& budget, const std::vector<std::string>& names) {
  Amounts sum;
  for (const DemandId demand : demands) {
    const Amounts& amounts = resources.amounts(demand);
    sum.resize(std::max(sum.size(), amounts.size()), 0);
    for (std::size_t i = 0; i < amounts.size(); ++i) sum[i] += std::min(amounts[i], budget.limit(i));
  }
  for (std::size_t i = 0; i < sum.size(); ++i) {
    if (sum[i] <= budget.limit(i)) continue;
    const std::string what = i == kCores ? "cores" : resources.name(i);
    return fail(Error{
        named(names) + " run at once, since a pipe or a service connects them; together they need " +
            std::to_string(sum[i]) + " " + what + ", and there are only " + std::to_string(budget.limit(i)),
        {},
        0,
        i == kCores ? "Give more cores (-c), or their rules fewer threads."
                    : "Raise the limit of " + what + ", or let their rules ask for less."});
  }
  return sum;
}

}  // namespace furrow::plan
