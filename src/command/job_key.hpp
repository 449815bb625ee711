// The identity of a job: its command template, its input values and, for equal values, which occurrence it
// is. Its line or sequence number does not count, so an edited list of inputs changes nothing for the jobs
// that stay.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "command/arguments.hpp"

namespace furrow::command {

struct JobIdentity {
  std::uint64_t values = 0;      // hash of the input values
  std::uint32_t occurrence = 0;  // 0 for the first job with these values
};

// Distinguishes equal jobs. Takes eight bytes per distinct job; create none if neither keys nor seeds are
// needed.
class JobIdentities {
 public:
  JobIdentities();
  JobIdentity next(const Arguments& values);  // call it in the order of the input

 private:
  std::uint32_t count(std::uint64_t hash);
  void grow();

  std::vector<std::uint64_t> seen_;  // open addressing, a power of two; 0: free
  std::size_t used_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> repeated_;  // how often after the first time
};

// The job's key in log and journal. TEMPLATE_IDENTITY: CommandTemplate::identity().
std::uint64_t job_key(std::uint64_t template_identity, const JobIdentity& job);

// {seed}: 0 to 2^31-1, which every program's random generator accepts. Depends on --seed, the values and the
// occurrence, not on the command.
std::uint64_t job_seed(std::uint64_t seed, const JobIdentity& job);

// The hash of BLOCK, used as `JobIdentity::values` for a job whose input is a block (--pipe).
std::uint64_t block_identity(std::string_view block);

}  // namespace furrow::command
