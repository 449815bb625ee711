#include "command/template/quote.hpp"

#include <gtest/gtest.h>
#include <stdio.h>

namespace furrow::command {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

TEST(Quote, LeavesPlainNamesUnquoted) { EXPECT_EQ(in_quotes("a-b_c.d+e/F9"), "a-b_c.d+e/F9"); }

TEST(Quote, QuotesTheEmptyWord) { EXPECT_EQ(in_quotes(""), "''"); }

TEST(Quote, PutsApostrophesInDoubleQuotes) {
  EXPECT_EQ(in_quotes("it's"), "'it'\"'\"'s'");
  EXPECT_EQ(in_quotes("'x"), "\"'\"'x'");
  EXPECT_EQ(in_quotes("x'"), "'x'\"'\"");
}

TEST(Quote, AnyByteSurvivesTheShell) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  all += "''\n'\\\n";
  const std::string command = "LC_ALL=C; printf %s " + in_quotes(all);
  FILE* const shell = ::popen(command.c_str(), "r");
  ASSERT_NE(shell, nullptr);
  std::string back(1000, '\0');
  back.resize(fread(back.data(), 1, back.size(), shell));
  ::pclose(shell);
  EXPECT_EQ(back, all);
}

}  // namespace
}  // namespace furrow::command
