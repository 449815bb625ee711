// What a job is known by: its command template, its input values and, for equal values, which occurrence it
// is. Never its line or sequence number, so that an edited list of inputs changes nothing for the jobs that
// stay.
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

// Tells equal jobs apart. Eight bytes a distinct job; make none where no key and no seed is asked for.
class JobIdentities {
 public:
  JobIdentities();
  JobIdentity next(const Arguments& values);  // in the order of the input

 private:
  std::uint32_t count(std::uint64_t hash);
  void grow();

  std::vector<std::uint64_t> seen_;  // open addressing, a power of two; 0: free
  std::size_t used_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> repeated_;  // how often beyond the first
};

// The job's key in log and journal. TEMPLATE_IDENTITY: CommandTemplate::identity().
std::uint64_t job_key(std::uint64_t template_identity, const JobIdentity& job);

// {seed}: 0 to 2^31-1, which every program's random generator takes. Depends on --seed, values and
// occurrence, not on the command.
std::uint64_t job_seed(std::uint64_t seed, const JobIdentity& job);

// The hash of bytes as `JobIdentity::values` for a job whose input is a block (--pipe).
std::uint64_t block_identity(std::string_view block);

}  // namespace furrow::command
