#include "cli/run/expand_variables.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace furrow::cli {
namespace {

TEST(ExpandVariables, ReplacesThoseThatAreSet) {
  ::setenv("FURROW_TEST_A", "/a b", 1);
  ::unsetenv("FURROW_TEST_B");
  EXPECT_EQ(expand_variables("$FURROW_TEST_A/x"), "/a b/x");
  EXPECT_EQ(expand_variables("x${FURROW_TEST_A}y$FURROW_TEST_A"), "x/a by/a b");
  EXPECT_EQ(expand_variables("$FURROW_TEST_B ${FURROW_TEST_B}"), "$FURROW_TEST_B ${FURROW_TEST_B}");
  ::unsetenv("FURROW_TEST_A");
}

TEST(ExpandVariables, LeavesWhatIsNoVariable) {
  ::setenv("FURROW_TEST_A", "a", 1);
  for (const char* const text : {"", "$", "${", "${}", "$$", "a$ b", "${FURROW_TEST_A", "${FURROW_TEST_A-b}"})
    EXPECT_EQ(expand_variables(text), text);
  ::unsetenv("FURROW_TEST_A");
}

}  // namespace
}  // namespace furrow::cli
