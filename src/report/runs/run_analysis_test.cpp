#include "report/runs/run_analysis.hpp"

#include <gtest/gtest.h>

namespace furrow::report {
namespace {

constexpr double kBegan = 1000;

class RunAnalysisTest : public testing::Test {
 protected:
  // A job that makes KEY of INPUTS, and ran from START to END seconds after the begin.
  void add(const std::string& key, const std::vector<std::string>& inputs, double start, double end,
           int threads = 1) {
    const auto number = static_cast<std::uint32_t>(picture_.jobs.size());
    PicturedJob& job = picture_.jobs.emplace_back();
    job.key = key;
    job.is_of_run = true;
    job.threads = threads;
    job.started_at = kBegan + start;
    job.ended_at = kBegan + end;
    picture_.attempts.push_back({number, 1, JobState::kDone, job.started_at, job.ended_at, 0});
    store::JobRecord record;
    record.key = key;
    record.outputs = {{key, 0, 0, 0}};
    for (const std::string& input : inputs) record.inputs.push_back({input, 0, 0, 0});
    needs_.add(number, record);
    picture_.ended_at = std::max(picture_.ended_at, job.ended_at);
  }
  void analyse_with(std::int64_t cores) {
    picture_.has_journal = true;
    picture_.facts.began_at = kBegan;
    picture_.facts.cores = cores;
    analyse(picture_, needs_, picture_.ended_at);
  }
  RunPicture picture_;
  JobNeeds needs_;
};

TEST_F(RunAnalysisTest, TheCriticalPathIsTheLongestChainOfWork) {
  add("a", {}, 0, 4);
  add("b", {}, 0, 1);
  add("c", {"a", "source"}, 4, 5);
  add("d", {"b"}, 1, 7);
  add("e", {"c", "d"}, 7, 8);
  analyse_with(2);
  EXPECT_EQ(picture_.chain, (std::vector<std::uint32_t>{1, 3, 4}));
  EXPECT_DOUBLE_EQ(picture_.chain_s(), 8);
  EXPECT_EQ(picture_.jobs[4].waited_for, 3u);
}

TEST_F(RunAnalysisTest, AJobWaitsFromTheEndOfItsLastInput) {
  add("a", {}, 0, 2);
  add("b", {"a"}, 5, 6);
  add("c", {"from an earlier run"}, 3, 4);
  analyse_with(1);
  EXPECT_DOUBLE_EQ(picture_.jobs[1].waited_s(), 3);
  EXPECT_DOUBLE_EQ(picture_.jobs[2].waited_s(), 3);
  EXPECT_DOUBLE_EQ(picture_.waited_s, 6);
}

TEST_F(RunAnalysisTest, AttemptsThatOverlapHaveSlotsOfTheirOwn) {
  add("a", {}, 0, 3);
  add("b", {}, 1, 2);
  add("c", {}, 2, 4);
  add("d", {}, 3, 5);
  analyse_with(2);
  EXPECT_EQ(picture_.slots, 2u);
  const std::vector<std::uint32_t> slots = {0, 1, 1, 0};
  for (std::size_t i = 0; i < slots.size(); ++i) EXPECT_EQ(picture_.attempts[i].slot, slots[i]) << i;
}

TEST_F(RunAnalysisTest, IdleCoresDifferByWhetherAJobWasReady) {
  add("a", {}, 0, 4, 2);
  add("b", {"a"}, 6, 8);  // ready from 4 on
  analyse_with(3);
  EXPECT_DOUBLE_EQ(picture_.cores.worked, 10);
  EXPECT_DOUBLE_EQ(picture_.cores.idle_ready, 6);
  EXPECT_DOUBLE_EQ(picture_.cores.idle_waiting, 4 + 4);
}

TEST_F(RunAnalysisTest, NothingIsSaidOfWaitsWithoutAJournal) {
  add("a", {}, 0, 1);
  add("b", {"a"}, 500, 501);
  picture_.facts.began_at = kBegan;
  analyse(picture_, needs_, picture_.ended_at);
  EXPECT_DOUBLE_EQ(picture_.jobs[1].waited_s(), 0);
  EXPECT_DOUBLE_EQ(picture_.waited_s, 0);
  EXPECT_DOUBLE_EQ(picture_.chain_s(), 2);
}

TEST_F(RunAnalysisTest, AFileThatAJobReadsAndMakesIsNoNeed) {
  add("a", {"a"}, 0, 1);
  analyse_with(1);
  EXPECT_EQ(picture_.chain, (std::vector<std::uint32_t>{0}));
}

}  // namespace
}  // namespace furrow::report
