#include "cli/watch/terminal_screen.hpp"

#include <gtest/gtest.h>

#include <clocale>

namespace furrow::cli {
namespace {

class FittedTest : public testing::Test {
 protected:
  void SetUp() override { std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

TEST_F(FittedTest, WhatFitsStaysAsItIs) { EXPECT_EQ(fitted("abc", 3), "abc"); }

TEST_F(FittedTest, WhatDoesNotFitEndsWithAMark) { EXPECT_EQ(fitted("abcd", 3), "ab…"); }

TEST_F(FittedTest, WideCharactersCountTwice) {
  EXPECT_EQ(columns_of("日本"), 4);
  EXPECT_EQ(fitted("日本語", 5), "日本…");
  EXPECT_EQ(fitted("日本語", 4), "日…");
  EXPECT_EQ(padded("日", 4), "日  ");
}

TEST_F(FittedTest, ColoursTakeNoColumns) {
  EXPECT_EQ(columns_of("\x1b[31mred\x1b[0m"), 3);
  EXPECT_EQ(padded("\x1b[31mred\x1b[0m", 4), "\x1b[31mred\x1b[0m ");
}

TEST_F(FittedTest, BrokenUtf8IsNoDanger) {
  EXPECT_EQ(columns_of("\xe6"), 1);
  EXPECT_EQ(fitted("", 0), "");
}

}  // namespace
}  // namespace furrow::cli
