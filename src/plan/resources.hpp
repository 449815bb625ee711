// Named resources (cores first, then whatever a workflow names) and the amounts that jobs ask for.
//
// Amounts are plain integers in the unit of the name (`mem_mb` in MB). All jobs that ask for the same amounts
// share one DemandId: it costs each job four bytes, and the ready queue needs only one line for each distinct
// demand. Not thread-safe.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace furrow::plan {

using Amount = std::int64_t;
using Amounts = std::vector<Amount>;  // by resource index; amounts past its end are zero
using DemandId = std::uint32_t;

constexpr std::size_t kCores = 0;  // index of the resource that every job has: processor cores
constexpr Amount kUnlimited = std::numeric_limits<Amount>::max();

class Resources {
 public:
  Resources();

  std::size_t index(std::string_view name);  // the name's index, assigned on first use
  const std::string& name(std::size_t index) const { return names_[index]; }
  std::size_t size() const { return names_.size(); }

  DemandId demand(Amounts amounts);  // the id that all jobs with these amounts share
  const Amounts& amounts(DemandId id) const { return *demands_[id]; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> indices_;
  std::map<Amounts, DemandId> ids_;
  std::vector<const Amounts*> demands_;  // borrowed from ids_, whose nodes do not move
};

// What is left of each resource while jobs run. A resource without a limit is never used up.
class Budget {
 public:
  void set_limit(std::size_t index, Amount limit);
  Amount limit(std::size_t index) const { return index < limit_.size() ? limit_[index] : kUnlimited; }

  bool fits(const Amounts& amounts) const;
  void take(const Amounts& amounts);
  void give_back(const Amounts& amounts);

 private:
  Amounts limit_;  // kUnlimited where there is none
  Amounts free_;
};

}  // namespace furrow::plan
