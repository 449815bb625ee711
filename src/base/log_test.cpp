#include "base/log.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace furrow::logging {
namespace {

std::uint32_t info(Topic topic) { return bit(topic, Level::info); }
std::uint32_t debug(Topic topic) { return info(topic) | bit(topic, Level::debug); }

TEST(LogVariable, NamesTopicsAndTheirLevels) {
  EXPECT_EQ(parse("farm").bits, info(Topic::farm));
  EXPECT_EQ(parse("farm,exec:debug").bits, info(Topic::farm) | debug(Topic::exec));
  EXPECT_EQ(parse("farm:info, pool").bits, info(Topic::farm) | info(Topic::pool));
  EXPECT_EQ(parse("").bits, 0u);
  EXPECT_EQ(parse(",").warning, "");
}

TEST(LogVariable, AllIsEveryTopic) {
  std::uint32_t every = 0, everything = 0;
  for (std::size_t i = 0; i < kTopics.size(); ++i) {
    EXPECT_EQ(parse(kTopics[i]).bits, info(static_cast<Topic>(i)));
    every |= info(static_cast<Topic>(i));
    everything |= debug(static_cast<Topic>(i));
  }
  EXPECT_EQ(parse("all").bits, every);
  EXPECT_EQ(parse("all:debug").bits, everything);
  EXPECT_EQ(parse("all,farm:debug").bits, every | debug(Topic::farm));
}

TEST(LogVariable, AnUnknownWordIsNamedInOneLineAndTheRestCounts) {
  const Choice choice = parse("frm,exec:loud,pool,new\nline");
  EXPECT_EQ(choice.bits, info(Topic::pool));
  EXPECT_NE(choice.warning.find("frm, exec:loud"), std::string::npos) << choice.warning;
  EXPECT_NE(choice.warning.find("farm, exec, cluster"), std::string::npos) << choice.warning;
  EXPECT_EQ(choice.warning.find('\n'), std::string::npos) << choice.warning;
}

TEST(LogLine, HoldsSecondsProcessTopicAndText) {
  EXPECT_EQ(Line(1.5, 42, "farm", "job 3 starts").view(), "[furrow 1.500000 42 farm] job 3 starts\n");
}

TEST(LogLine, ControlCharactersAreEscaped) {
  EXPECT_EQ(Line(0, 1, "exec", "a\nb\tc\033[31m\x7f\303\251").view(),
            "[furrow 0.000000 1 exec] a\\nb\\tc\\x1b[31m\\x7f\303\251\n");
}

TEST(LogLine, ALongTextIsCutAndSaysSo) {
  for (const char c : {'x', '\n', '\1'}) {
    const Line line(0, 1, "exec", std::string(2 * Line::kMostBytes, c));
    EXPECT_LE(line.view().size(), Line::kMostBytes);
    EXPECT_GT(line.view().size(), Line::kMostBytes - 10);
    EXPECT_TRUE(line.view().ends_with("...\n"));
  }
}

TEST(Log, ArgumentsAreEvaluatedOnlyWhenTheTopicIsOn) {
  errno = ENOENT;
  int evaluated = 0;
  FURROW_LOG(farm, info, "job {} starts", ++evaluated);
  FURROW_LOG(farm, debug, "job {} is ready", ++evaluated);
  FURROW_LOG(exec, info, "job {} has ended", ++evaluated);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(evaluated, is_on(Topic::farm, Level::info) + is_on(Topic::farm, Level::debug) +
                           is_on(Topic::exec, Level::info));
}

// The variables are read before main(), so the test above runs once more, in a process of its own.
TEST(Log, WritesWhatTheVariableAsksForIntoItsFile) {
  const std::string file = testing::TempDir() + "furrow-log-" + std::to_string(::getpid());
  char program[4096];
  const ssize_t size = ::readlink("/proc/self/exe", program, sizeof program);
  ASSERT_GT(size, 0);
  const std::string command = "FURROW_LOG=farm FURROW_LOG_FILE='" + file + "' '" +
                              std::string(program, static_cast<std::size_t>(size)) +
                              "' --gtest_filter='Log.Arguments*' >/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream stream(file);
  const std::string log(std::istreambuf_iterator<char>(stream), {});
  ::unlink(file.c_str());
  EXPECT_NE(log.find(" log] second 0 was 2"), std::string::npos) << log;
  EXPECT_NE(log.find(" farm] job 1 starts\n"), std::string::npos) << log;
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 2) << log;
}

}  // namespace
}  // namespace furrow::logging
