#include "command/job_key.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace furrow::command {

namespace {

constexpr std::size_t kFirstSlots = 1024;

// Includes the lengths, so that ("ab", "c") differs from ("a", "bc").
std::uint64_t hash_of(const Arguments& values) {
  if (values.size() == 1) return hash64(values[0], 1);
  std::uint64_t hash = values.size();
  for (std::size_t i = 0; i < values.size(); ++i) hash = combine(hash, hash64(values[i], 1));
  return hash;
}

}  // namespace

JobIdentities::JobIdentities() : seen_(kFirstSlots) {}

JobIdentity JobIdentities::next(const Arguments& values) {
  const std::uint64_t hash = hash_of(values);
  return {hash, count(hash == 0 ? 1 : hash)};  // 0 marks a free slot
}

std::uint32_t JobIdentities::count(std::uint64_t hash) {
  if (used_ * 3 >= seen_.size() * 2) grow();
  const std::size_t mask = seen_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    if (seen_[i] == hash) break;
    if (seen_[i] != 0) continue;
    seen_[i] = hash;
    ++used_;
    return 0;
  }
  return ++repeated_[hash];
}

void JobIdentities::grow() {
  std::vector<std::uint64_t> old(seen_.size() * 2);
  old.swap(seen_);
  const std::size_t mask = seen_.size() - 1;
  for (const std::uint64_t hash : old) {
    if (hash == 0) continue;
    std::size_t i = hash & mask;
    while (seen_[i] != 0) i = (i + 1) & mask;
    seen_[i] = hash;
  }
}

std::uint64_t job_key(std::uint64_t template_identity, const JobIdentity& job) {
  return combine(template_identity, combine(job.values, job.occurrence));
}

std::uint64_t job_seed(std::uint64_t seed, const JobIdentity& job) {
  return combine(seed, combine(job.values, job.occurrence)) >> 33;
}

std::uint64_t block_identity(std::string_view block) { return hash64(block, 2); }

}  // namespace furrow::command
