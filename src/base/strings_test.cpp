#include "base/strings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Strings, QuotesForAShellOnlyWhereNeeded) {
  EXPECT_EQ(shell_quote("a_b/c.txt"), "a_b/c.txt");
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("it's"), "'it'\"'\"'s'");
  EXPECT_EQ(shell_quote("$x"), "'$x'");
  EXPECT_EQ(shell_quote("~"), "'~'");
  EXPECT_EQ(shell_quote("\xc3\xa9"), "'\xc3\xa9'");
}

TEST(Strings, CountsWithTheRightNumber) {
  EXPECT_EQ(count_of(0, "job"), "0 jobs");
  EXPECT_EQ(count_of(1, "job"), "1 job");
  EXPECT_EQ(count_of(2, "job"), "2 jobs");
}

TEST(Strings, WritesDurationsForPeople) {
  EXPECT_EQ(human_duration(0), "0.0 s");
  EXPECT_EQ(human_duration(0.84), "0.8 s");
  EXPECT_EQ(human_duration(9.96), "10 s");
  EXPECT_EQ(human_duration(12.3), "12 s");
  EXPECT_EQ(human_duration(200), "3 min 20 s");
  EXPECT_EQ(human_duration(3599.7), "1 h 0 min");
  EXPECT_EQ(human_duration(7500), "2 h 5 min");
}

TEST(Strings, FindsTheNearestName) {
  EXPECT_EQ(nearest("sort_red", {"count", "sort_reads", "all"}), "sort_reads");
  EXPECT_EQ(nearest("--coers", {"--cores", "--config"}), "--cores");
  EXPECT_EQ(nearest("xyz", {"count", "all"}), "") << "too far apart to be a typing mistake";
  EXPECT_EQ(nearest("x", {}), "");
}

TEST(Strings, SplitsAndJoins) {
  EXPECT_THAT(split("a,b,,c", ','), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(split("a,", ','), ElementsAre("a", ""));
  EXPECT_THAT(split("", ','), IsEmpty());
  EXPECT_EQ(join({"a", "b"}, ", "), "a, b");
  EXPECT_EQ(join({}, ", "), "");
}

TEST(WholeNumber, MustBeTheWholeText) {
  EXPECT_EQ(whole_number("0"), 0);
  EXPECT_EQ(whole_number("-12"), -12);
  EXPECT_EQ(whole_number("9223372036854775807"), 9223372036854775807);
  for (const char* other : {"", " 1", "1 ", "1x", "+1", "0x1", "1.0", "9223372036854775808", "-"})
    EXPECT_EQ(whole_number(other), std::nullopt) << other;
}

}  // namespace
}  // namespace furrow
