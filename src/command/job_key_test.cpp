#include "command/job_key.hpp"

#include <gtest/gtest.h>

namespace furrow::command {
namespace {

std::vector<std::uint64_t> seeds(const std::vector<std::vector<std::string>>& jobs, std::uint64_t seed = 1) {
  JobIdentities identities;
  std::vector<std::uint64_t> all;
  for (const auto& job : jobs) {
    Arguments values;
    for (const std::string& value : job) values.add(value);
    all.push_back(job_seed(seed, identities.next(values)));
  }
  return all;
}

TEST(JobKey, AnInsertedLineKeepsTheOtherSeeds) {
  const auto before = seeds({{"a"}, {"b"}, {"a"}});
  const auto after = seeds({{"new"}, {"a"}, {"b"}, {"new"}, {"a"}});
  EXPECT_EQ(before[0], after[1]);
  EXPECT_EQ(before[1], after[2]);
  EXPECT_EQ(before[2], after[4]);
}

TEST(JobKey, EqualValuesDifferByOccurrence) {
  const auto all = seeds({{"a"}, {"a"}, {"a"}, {"b"}});
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), 4u);
}

TEST(JobKey, ValuesAreNotConcatenated) {
  EXPECT_NE(seeds({{"ab", "c"}}), seeds({{"a", "bc"}}));
  EXPECT_NE(seeds({{"a"}}), seeds({{"a", ""}}));
}

TEST(JobKey, SeedsFitIntoAnInt) {
  std::vector<std::vector<std::string>> jobs;
  for (int i = 0; i < 10000; ++i) jobs.push_back({std::to_string(i)});
  const auto all = seeds(jobs);
  std::uint64_t most = 0;
  for (const std::uint64_t seed : all) most = std::max(most, seed);
  EXPECT_LT(most, 1u << 31);
  EXPECT_GT(most, 1u << 30);
  EXPECT_GT(std::set(all.begin(), all.end()).size(), 9990u);
}

TEST(JobKey, SeedsAreTheSameInEveryRelease) {
  // Results that users computed with {seed} depend on these values.
  EXPECT_EQ(seeds({{"1.0", "10"}}, 42), (std::vector<std::uint64_t>{1294797131}));
}

TEST(JobKey, DistinguishesManyJobs) {
  JobIdentities identities;
  Arguments values;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 100000; ++i) {
      values.clear();
      values.add(std::to_string(i));
      ASSERT_EQ(identities.next(values).occurrence, static_cast<std::uint32_t>(round));
    }
  }
}

TEST(JobKey, DependsOnTheTemplate) {
  const JobIdentity job{1, 0};
  EXPECT_NE(job_key(1, job), job_key(2, job));
  EXPECT_NE(job_key(1, job), job_key(1, {1, 1}));
}

}  // namespace
}  // namespace furrow::command
