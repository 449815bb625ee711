#include "report/redactor.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace furrow::report {
namespace {

TEST(Redactor, ReplacesWhatMustNotBeShown) {
  const Redactor redactor({"secretword", "secret", "ab"});
  EXPECT_EQ(redactor.redacted("x secretword y secret z ab"), "x (redacted) y (redacted) z ab");
}

TEST(Redactor, ReplacesAShortSecretWhereItIsTheWholeText) {
  EXPECT_EQ(Redactor({"ab"}).redacted("ab"), "(redacted)");
}

TEST(Redactor, ReplacesValuesOfJsonAndLeavesItJson) {
  const Redactor redactor({"pass\"word", "1234"});
  EXPECT_EQ(*redactor.redacted_json(R"j({"a":["my pass\"word",1234,12345,true,null],"b":{"c":1.5}})j"),
            R"j({"a":["my (redacted)","(redacted)",12345,true,null],"b":{"c":1.5}})j");
  EXPECT_FALSE(redactor.redacted_json("{"));
}

TEST(Redactor, TakesTheValuesOfVariables) {
  ::setenv("FURROW_TEST_SECRET", "topsecret", 1);
  const Redactor redactor = Redactor::of_variables({"FURROW_TEST_SECRET", "FURROW_TEST_UNSET"});
  EXPECT_EQ(redactor.redacted("a topsecret b"), "a (redacted) b");
  ::unsetenv("FURROW_TEST_SECRET");
}

}  // namespace
}  // namespace furrow::report
