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
    EXPECT_TRUE(write_benchmark("b.tsv", usage));
    const auto lines = split(support::content_of("b.tsv"), '\n');
    EXPECT_GE(lines.size(), 2u);
    return split(lines.at(1), '\t');
  }
  support::TemporaryFolder folder_;
};

TEST_F(Benchmark, HasSnakemakesColumns) {
  ASSERT_TRUE(write_benchmark("b.tsv", {}));
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

TEST_F(Benchmark, AMissingFolderIsAnError) { EXPECT_FALSE(write_benchmark("missing/b.tsv", {})); }

}  // namespace
}  // namespace furrow::workflow
