#include "base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/hash.hpp"

namespace furrow {
namespace {

TEST(Error, SaysWhereWhatAndWhatToDo) {
  EXPECT_EQ(Error{"broken"}.to_string(), "broken");
  EXPECT_EQ((Error{.message = "broken", .file = "Snakefile"}.to_string()), "Snakefile: broken");
  const Error full{
      .message = "broken", .file = "Snakefile", .line = 7, .hint = "fix it", .detail = "line one\nline two"};
  EXPECT_EQ(full.to_string(), "Snakefile:7: broken\nline one\nline two\n  fix it");
}

TEST(Error, ReadsErrno) {
  errno = ENOENT;
  EXPECT_EQ(system_error("cannot open x").message, "cannot open x: No such file or directory");
}

TEST(Error, IsReturnedInAResult) {
  const Result<int> bad = fail("no");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message, "no");
}

TEST(Hash, IsTheSameOnEveryMachine) {
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2u);  // the published XXH3 value of the empty string
  EXPECT_NE(hash64("a"), hash64("b"));
  EXPECT_NE(hash64("a", 1), hash64("a", 2));
}

TEST(Hash, CombinesInOrder) {
  EXPECT_NE(combine(1, 2), combine(2, 1));
  EXPECT_EQ(combine(1, 2), combine(1, 2));
}

}  // namespace
}  // namespace furrow
