#include "workflow/jobs/benchmark.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.hpp"
#include "support/temporary_folder.hpp"

namespace furrow::workflow {
namespace {

using ::testing::ElementsAre;

class Benchmark : public testing::Test {
 protected:
  static std::vector<std::string> row(const plan::Usage& usage) {
    EXPECT_TRUE(write_benchmark("b.tsv", {&usage, 1}));
    const auto lines = split(support::content_of("b.tsv"), '\n');
    EXPECT_GE(lines.size(), 2u);
    return split(lines.at(1), '\t');
  }
  support::TemporaryFolder folder_;
};

TEST_F(Benchmark, HasSnakemakesColumns) {
  const plan::Usage usage;
  ASSERT_TRUE(write_benchmark("b.tsv", {&usage, 1}));
  EXPECT_EQ(support::content_of("b.tsv").substr(0, support::content_of("b.tsv").find('\n')),
            "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time");
}

TEST_F(Benchmark, ReportsWhatTheJobUsed) {
  const plan::Usage usage{.wall_s = 3725.5,
                          .user_s = 1000,
                          .system_s = 862.75,
                          .max_rss_kb = 2048,
                          .read_blocks = 4096,
                          .write_blocks = 1024};
  EXPECT_THAT(row(usage),
              ElementsAre("3725.5000", "1:02:05", "2.00", "-", "-", "-", "2.00", "0.50", "50.00", "1862.75"));
}

TEST_F(Benchmark, AJobThatTookNoTimeHasNoLoad) { EXPECT_EQ(row({}).at(8), "0.00"); }

TEST_F(Benchmark, EachRunHasALine) {
  const std::vector<plan::Usage> runs{{.wall_s = 1}, {.wall_s = 2 * 86400 + 1}};
  ASSERT_TRUE(write_benchmark("b.tsv", runs));
  const auto lines = split(support::content_of("b.tsv"), '\n');
  EXPECT_EQ(split(lines.at(1), '\t').at(1), "0:00:01");
  EXPECT_EQ(split(lines.at(2), '\t').at(1), "2 days, 0:00:01");
}

TEST_F(Benchmark, LinesOfJsonMayHaveTheJob) {
  const std::vector<plan::Usage> runs{{.wall_s = 1.5, .user_s = 1}};
  const BenchmarkedJob job{.number = 3,
                           .rule = "a",
                           .wildcards = {{"w", "\"x\""}},
                           .params = {{"0", "y"}},
                           .resources = {{"mem_mb", std::int64_t{5}}, {"queue", "short"}},
                           .input_mb = {{"in", 0.5}}};
  ASSERT_TRUE(write_benchmark("b.jsonl", runs, &job));
  EXPECT_EQ(
      support::content_of("b.jsonl"),
      R"({"cpu_time":1.0,"cpu_usage":100.0,"h:m:s":"0:00:01","input_size_mb":{"in":0.5},"io_in":0.0,"io_out":0.0,)"
      R"("jobid":3,"max_pss":null,"max_rss":null,"max_uss":null,"max_vms":null,"mean_load":66.66666666666667,)"
      R"("params":{"0":"y"},"resources":{"mem_mb":5,"queue":"short"},"rule_name":"a","s":1.5,"threads":1,)"
      R"("wildcards":{"w":"\"x\""}})"
      "\n");
}

TEST_F(Benchmark, AMissingFolderIsAnError) { EXPECT_FALSE(write_benchmark("missing/b.tsv", {})); }

}  // namespace
}  // namespace furrow::workflow
