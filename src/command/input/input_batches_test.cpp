#include "command/input/input_batches.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command/input/input_list.hpp"

namespace furrow::command {
namespace {

using testing::ElementsAre;

std::vector<std::string> batches(int count, const InputBatchOptions& options,
                                 const std::string& command = "echo") {
  std::vector<Arguments> values;
  for (int i = 1; i <= count; ++i) values.emplace_back().add(std::to_string(i));
  TemplateOptions templates;
  templates.append_value = true;
  auto source = make_input_batches(make_list(std::move(values), {}),
                                   *CommandTemplate::parse({command}, templates), options);
  std::vector<std::string> jobs;
  Arguments job;
  for (;;) {
    const auto pulled = source->next(job);
    if (!pulled) {
      jobs.push_back("error: " + pulled.error().message);
      return jobs;
    }
    if (*pulled == Pull::kEnd) return jobs;
    jobs.push_back(job.joined(" "));
  }
}

InputBatchOptions of(std::uint64_t records, std::uint64_t length = 0, bool spread = false,
                     unsigned slots = 1) {
  InputBatchOptions options;
  options.max_records = records;
  options.max_length = length;
  options.spread = spread;
  options.slots = slots;
  return options;
}

TEST(InputBatches, TakeTheGivenNumberOfRecords) {
  EXPECT_THAT(batches(5, of(2)), ElementsAre("1 2", "3 4", "5"));
  EXPECT_THAT(batches(0, of(2)), ElementsAre());
}

TEST(InputBatches, TakeAsManyRecordsAsFit) {
  EXPECT_THAT(batches(12, of(0, 20)), ElementsAre("1 2 3 4 5 6 7", "8 9 10 11 12"));
  EXPECT_THAT(batches(12, of(5, 12)), ElementsAre("1 2 3", "4 5 6", "7 8 9", "10 11", "12"));
}

TEST(InputBatches, NeverExceedTheLongestArgumentOfLinux) {
  std::size_t records = 0;
  for (const std::string& job : batches(100000, of(0))) {
    EXPECT_LT(job.size(), 128u * 1024);
    records += static_cast<std::size_t>(std::count(job.begin(), job.end(), ' ')) + 1;
  }
  EXPECT_EQ(records, 100000u);
}

TEST(InputBatches, SpreadTheRestOverTheSlots) {
  EXPECT_THAT(batches(6, of(0, 0, true, 2)), ElementsAre("1 2 3", "4 5 6"));
  EXPECT_THAT(batches(6, of(3, 0, true, 2)), ElementsAre("1 2 3", "4 5", "6"));
  EXPECT_THAT(batches(7, of(3, 0, true, 2)), ElementsAre("1 2 3", "4 5 6", "7"));
}

TEST(InputBatches, ARecordThatNeverFitsIsAnError) {
  EXPECT_THAT(batches(1, of(0, 6)),
              ElementsAre(testing::HasSubstr("record 1 is 6 bytes long, and 5 is the limit")));
}

TEST(InputBatches, CountsAllJobs) {
  std::vector<Arguments> values(3);
  auto counted = count_inputs(make_list(std::move(values), {"a"}));
  ASSERT_TRUE(counted.has_value());
  EXPECT_EQ(counted->total, 3u);
  EXPECT_THAT(counted->inputs->names(), ElementsAre("a"));
}

}  // namespace
}  // namespace furrow::command
