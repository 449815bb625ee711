#include "exec/ranks/rank_messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/ranks/rank_record.hpp"
#include "exec/ranks/rank_set.hpp"

namespace furrow::exec {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

const std::string kOdd("a\0b\n\"\\\xff\xc3\xbc", 9);

TEST(RankMessages, AnAttemptSurvivesARoundTrip) {
  RankStart start{.cores = 3, .memory_mb = 70, .timeout_s = 1.5, .has_input = true};
  start.launch.kind = plan::Launch::Kind::kShell;
  start.launch.argv = {"x", kOdd};
  start.launch.command = kOdd;
  start.launch.prefix = "set -e; ";
  start.launch.executable = "/bin/sh";
  start.launch.environment = {{"A", kOdd}, {"B", ""}};
  start.launch.removed = {"C"};
  start.launch.directory = "/some where";
  start.launch.payload = kOdd;
  start.launch.scratch = "rank 0's";
  start.launch.nice = -3;
  start.launch.watch_memory = true;
  const RankStart read = read_start(write_start(start));
  EXPECT_EQ(read.cores, 3);
  EXPECT_EQ(read.memory_mb, 70);
  EXPECT_EQ(read.timeout_s, 1.5);
  EXPECT_TRUE(read.has_input && read.launch.watch_memory);
  EXPECT_EQ(read.launch.kind, plan::Launch::Kind::kShell);
  EXPECT_THAT(read.launch.argv, ElementsAre("x", kOdd));
  EXPECT_EQ(read.launch.command, kOdd);
  EXPECT_EQ(read.launch.prefix, "set -e; ");
  EXPECT_EQ(read.launch.executable, "/bin/sh");
  EXPECT_THAT(read.launch.environment, ElementsAre(Pair("A", kOdd), Pair("B", "")));
  EXPECT_THAT(read.launch.removed, ElementsAre("C"));
  EXPECT_EQ(read.launch.directory, "/some where");
  EXPECT_EQ(read.launch.payload, kOdd);
  EXPECT_EQ(read.launch.scratch, "") << "not the rank's to delete";
  EXPECT_EQ(read.launch.nice, -3);
}

TEST(RankMessages, AnExitSurvivesARoundTrip) {
  const plan::Exit exit{
      .status = -1,
      .signal = 9,
      .cancelled = true,
      .timed_out = true,
      .error = kOdd,
      .started_at = 1.7e9 + 0.25,
      .usage = {.wall_s = 1, .user_s = 2, .system_s = 3, .max_rss_kb = 4, .read_blocks = 5}};
  const plan::Exit read = read_exit(write_exit(exit));
  EXPECT_EQ(read.status, -1);
  EXPECT_EQ(read.signal, 9);
  EXPECT_TRUE(read.cancelled && read.timed_out);
  EXPECT_EQ(read.error, kOdd);
  EXPECT_EQ(read.started_at, exit.started_at);
  EXPECT_EQ(read.usage.max_rss_kb, 4);
  EXPECT_EQ(read.usage.read_blocks, 5);
}

TEST(RankMessages, ASetupSurvivesARoundTrip) {
  const RankSetup read = read_setup(write_setup({.directory = "/d",
                                                 .environment = {"A=b", kOdd},
                                                 .cores = 5,
                                                 .memory_mb = 6,
                                                 .as_it_comes = true,
                                                 .ending = {{15, 0.5}, {9, 0}},
                                                 .evaluator = {"/python", "/there", "{}"}}));
  EXPECT_EQ(read.directory, "/d");
  EXPECT_THAT(read.environment, ElementsAre("A=b", kOdd));
  EXPECT_EQ(read.cores + read.memory_mb, 11);
  EXPECT_TRUE(read.as_it_comes && !read.one_stream);
  ASSERT_EQ(read.ending.size(), 2u);
  EXPECT_EQ(read.ending[0].signal, 15);
  EXPECT_EQ(read.ending[0].wait_s, 0.5);
  EXPECT_EQ(read.evaluator.python, "/python");
  EXPECT_EQ(read.evaluator.load, "{}");
}

TEST(RankMessages, FiguresInAnotherFormatHaveNoVersion) {
  EXPECT_EQ(read_figures_of_rank(write_figures({.version = "1.2"})).version, "1.2");
  EXPECT_EQ(read_figures_of_rank(R"({"furrow":"ranks 2","version":"1.2"})").version, "");
  EXPECT_EQ(read_figures_of_rank("no JSON").version, "");
}

TEST(RankRecords, ReadInOrderWithTheirPayloads) {
  RankRecords records;
  records.add(RankRecord::kOut, 7, 1, kOdd);
  records.add(RankRecord::kClose, 8);
  records.add(RankRecord::kRead, 9, 2, as_bytes(1234567890123));
  std::vector<std::pair<std::uint64_t, std::string>> read;
  for_each_rank_record(records.bytes(), [&](const RankRecordHead& head, std::string_view payload) {
    read.emplace_back(head.run * 10 + head.request_id, payload);
  });
  EXPECT_THAT(read, ElementsAre(Pair(71u, kOdd), Pair(80u, ""), Pair(92u, ::testing::_)));
  EXPECT_EQ(number_from(read.back().second), 1234567890123u);
}

std::vector<std::int64_t> cores_of(const std::vector<RankFigures>& ranks, std::optional<std::int64_t> limit) {
  std::vector<std::int64_t> cores;
  for (const RankShare& share : shares_of(ranks, limit)) cores.push_back(share.cores);
  return cores;
}

TEST(SharesOf, EqualTheRanksCoresUnlessLimited) {
  const std::vector<RankFigures> ranks{{.cores = 4}, {.cores = 2}, {.cores = 2}};
  EXPECT_THAT(cores_of(ranks, std::nullopt), ElementsAre(4, 2, 2));
  EXPECT_THAT(cores_of(ranks, 5), ElementsAre(4, 1, 0));
  EXPECT_THAT(cores_of(ranks, 1), ElementsAre(1, 0, 0));
  EXPECT_THAT(cores_of(ranks, 16), ElementsAre(8, 4, 4));
  EXPECT_THAT(cores_of(ranks, 9), ElementsAre(5, 3, 1)) << "no more than were asked for";
}

}  // namespace
}  // namespace furrow::exec
