#include "plan/resources.hpp"

namespace furrow::plan {

Resources::Resources() { index("_cores"); }

std::size_t Resources::index(std::string_view name) {
  if (const auto found = indices_.find(name); found != indices_.end()) return found->second;
  names_.emplace_back(name);
  return indices_[names_.back()] = names_.size() - 1;
}

DemandId Resources::demand(Amounts amounts) {
  while (!amounts.empty() && amounts.back() == 0) amounts.pop_back();
  const auto [found, is_new] = ids_.try_emplace(std::move(amounts), static_cast<DemandId>(demands_.size()));
  if (is_new) demands_.push_back(&found->first);
  return found->second;
}

void Budget::set_limit(std::size_t index, Amount limit) {
  if (index >= limit_.size()) {
    limit_.resize(index + 1, kUnlimited);
    free_.resize(index + 1, kUnlimited);
  }
  limit_[index] = free_[index] = limit;
}

bool Budget::fits(const Amounts& amounts) const {
  for (std::size_t i = 0; i < amounts.size() && i < free_.size(); ++i) {
    if (amounts[i] > free_[i]) return false;
  }
  return true;
}

void Budget::take(const Amounts& amounts) {
  for (std::size_t i = 0; i < amounts.size() && i < free_.size(); ++i) {
    if (limit_[i] != kUnlimited) free_[i] -= amounts[i];
  }
}

void Budget::give_back(const Amounts& amounts) {
  for (std::size_t i = 0; i < amounts.size() && i < free_.size(); ++i) {
    if (limit_[i] != kUnlimited) free_[i] += amounts[i];
  }
}

}  // namespace furrow::plan
