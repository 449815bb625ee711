#include "deploy/activation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::deploy {
namespace {

using std::string_literals::operator""s;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const std::string kPrinted =
    "A=1\0PATH=/bin\0GONE=x\0PWD=/a\0\0"
    "A=1\0PATH=/e/bin:/bin\0NEW=two\nlines\0PWD=/b\0SHLVL=3\0\0"
    "/e/bin/python3\0003.11"s;

TEST(Activation, IsTheDifferenceOfTheVariables) {
  const auto activation = read_activation(kPrinted);
  ASSERT_TRUE(activation) << activation.error().message;
  EXPECT_THAT(activation->set, ElementsAre(Pair("NEW", "two\nlines"), Pair("PATH", "/e/bin:/bin")));
  EXPECT_THAT(activation->removed, ElementsAre("GONE"));
  EXPECT_EQ(activation->python, "/e/bin/python3");
  EXPECT_EQ(activation->python_major, 3);
  EXPECT_EQ(activation->python_minor, 11);
}

TEST(Activation, MayHaveNoPython) {
  const auto activation = read_activation(kPrinted.substr(0, kPrinted.find("/e/bin/python3")));
  ASSERT_TRUE(activation);
  EXPECT_EQ(activation->python, "");
  EXPECT_FALSE(read_activation("A=1\0\0"s)) << "nothing behind it";
}

plan::Launch script() { return {.kind = plan::Launch::Kind::kProgram, .argv = {"python3", "x.py"}}; }

TEST(Activation, ChoosesThePythonOfScripts) {
  auto activation = *read_activation(kPrinted);
  plan::Launch launch = script();
  ASSERT_TRUE(activate(activation, "/host", launch));
  EXPECT_THAT(launch.argv, ElementsAre("/e/bin/python3", "x.py"));
  EXPECT_THAT(launch.removed, ElementsAre("GONE"));
  activation.python_minor = 6;
  launch = script();
  const auto refused = activate(activation, "/host", launch);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("/e/bin/python3 is 3.6"));
  activation.python.clear();
  launch = script();
  ASSERT_TRUE(activate(activation, "/host", launch));
  EXPECT_EQ(launch.argv.front(), "/host");
}

TEST(Activation, LeavesJobsOfTheEvaluatorAlone) {
  plan::Launch launch{.kind = plan::Launch::Kind::kFork};
  ASSERT_TRUE(activate(*read_activation(kPrinted), "/host", launch));
  EXPECT_TRUE(launch.environment.empty());
}

}  // namespace
}  // namespace furrow::deploy
