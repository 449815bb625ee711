#include "exec/local/plain_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::exec {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(PlainCommand, WordsOnOneLineArePlain) {
  EXPECT_THAT(plain_words("sort -o out.txt in/a_1.txt"),
              Optional(ElementsAre("sort", "-o", "out.txt", "in/a_1.txt")));
  EXPECT_THAT(plain_words("  cp\t a:b+c,d  e@f%g \n"), Optional(ElementsAre("cp", "a:b+c,d", "e@f%g")));
  EXPECT_THAT(plain_words("./tool --k=v"), Optional(ElementsAre("./tool", "--k=v")));
}

TEST(PlainCommand, ShellSyntaxIsNotPlain) {
  for (const char* command :
       {"a > b", "a | b", "a; b",    "a && b", "a 'b'",  "a \"b\"",    "a $b",  "a *.txt",
        "a ?",   "a [b]", "a {b,c}", "a ~",    "~/tool", "a #b",       "a `b`", "a \\b",
        "(a)",   "!a",    "a\nb",    "a b\nc", "a\rb",   "a \xc3\xa9", "a^b"}) {
    EXPECT_EQ(plain_words(command), std::nullopt) << command;
  }
}

TEST(PlainCommand, AssignmentsBuiltinsAndKeywordsAreNotPlain) {
  for (const char* command :
       {"x=1", "x=1 env", "cd folder", "echo a", "true", ":", ". file", "source file", "time sort a",
        "exec sort a", "test -f a", "if a", "%1", "printf a", "ulimit -v 1", "while a"}) {
    EXPECT_EQ(plain_words(command), std::nullopt) << command;
  }
}

TEST(PlainCommand, AnEmptyCommandIsNotPlain) {
  EXPECT_EQ(plain_words(""), std::nullopt);
  EXPECT_EQ(plain_words(" \n\t "), std::nullopt);
}

}  // namespace
}  // namespace furrow::exec
