#include "base/printable.hpp"

#include <gtest/gtest.h>

namespace furrow {
namespace {

using namespace std::string_literals;

TEST(Printable, LeavesOrdinaryTextAsItIs) {
  for (const auto& text : {"a b/c.txt"s, "two\nlines\tand a tab"s, "grün, 日本, 😀"s, "C:\\x1b"s, ""s})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, EscapesControlCharacters) {
  EXPECT_EQ(printable("x\x1b]0;title\ay"), "x\\x1b]0;title\\x07y");
  EXPECT_EQ(printable("over\rwritten\b\x7f\0"s), "over\\rwritten\\x08\\x7f\\x00");
  EXPECT_EQ(printable("\xc2\x9b"), "\\u009b") << "an escape sequence in one character";
}

TEST(Printable, EscapesWhatChangesTheDirectionOfText) {
  EXPECT_EQ(printable("a\u202etxt.exe\u2066\u200f"), "a\\u202etxt.exe\\u2066\\u200f");
}

TEST(Printable, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("a\x9b\xff"), "a\\x9b\\xff");
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82") << "cut off";
  EXPECT_EQ(printable("\xc0\x8a\xed\xa0\x80"), "\\xc0\\x8a\\xed\\xa0\\x80")
      << "not the shortest form, a surrogate";
}

TEST(OneLine, EscapesLineEndsOnly) { EXPECT_EQ(one_line("a\n\tb\r\x1b\xff"), "a\\n\\tb\\r\x1b\xff"); }

}  // namespace
}  // namespace furrow
