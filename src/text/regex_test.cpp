#include "text/regex.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Regex, ReturnsGroupsByNumber) {
  const auto regex = Regex::compile_whole("(?P<_w1>a)(b)(?P<_w0>c)?", Regex::Encoding::kBytes);
  ASSERT_TRUE(regex);
  std::vector<std::string_view> groups;
  ASSERT_TRUE(regex->match("ab", groups));
  EXPECT_THAT(groups, ElementsAre("", "a"));
  ASSERT_TRUE(regex->match("abc", groups));
  EXPECT_THAT(groups, ElementsAre("c", "a"));
  EXPECT_FALSE(regex->match("abcd", groups));
  EXPECT_FALSE(regex->match("xab", groups));
}

TEST(Regex, RefusesTooManyGroups) {
  std::string many;
  for (int i = 0; i < 200; ++i) many += "(a)?";
  const auto regex = Regex::compile_whole(many + "(?P<_w0>b)", Regex::Encoding::kBytes);
  ASSERT_FALSE(regex);
  EXPECT_THAT(regex.error().message, HasSubstr("too many groups"));
}

TEST(Regex, FindsTheFirstMatchFromAPosition) {
  const auto regex = Regex::compile("(a)b");
  ASSERT_TRUE(regex);
  const auto found = regex->find("ab ab", 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->begin, 3U);
  EXPECT_EQ(found->end, 5U);
  EXPECT_EQ(found->group_end, 4U);
  EXPECT_FALSE(regex->find("ba"));
}

TEST(Regex, NamesTheWrongCharacter) {
  const auto regex = Regex::compile("a(b");
  ASSERT_FALSE(regex);
  EXPECT_THAT(regex.error().message, HasSubstr("wrong at character 4"));
}

TEST(Regex, MatchesTextThatIsNotUtf8AsBytes) {
  const auto regex = Regex::compile_whole("(?P<_w0>.+)", Regex::Encoding::kUtf8);
  ASSERT_TRUE(regex);
  std::vector<std::string_view> groups;
  ASSERT_TRUE(regex->match("\xff\xfe", groups));
  EXPECT_THAT(groups, ElementsAre("\xff\xfe"));
}

TEST(Regex, RecognizesPlainText) {
  EXPECT_EQ(Regex::literal("a\\.b\\t"), "a.b\t");
  EXPECT_EQ(Regex::literal("a.b"), std::nullopt);
  EXPECT_EQ(Regex::literal("\\d"), std::nullopt);
}

}  // namespace
}  // namespace furrow::text
