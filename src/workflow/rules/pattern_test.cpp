#include "workflow/rules/pattern.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::workflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;

Pattern parse(std::string_view text, const Constraints& constraints = {}, bool literal = false) {
  auto pattern = Pattern::parse(text, constraints, literal);
  EXPECT_TRUE(pattern) << pattern.error().to_string();
  return pattern ? std::move(*pattern) : *Pattern::parse("", {});
}

// The values of the wildcards; one "no" where the name does not match.
Names match(const Pattern& pattern, std::string_view name) {
  std::vector<std::string_view> values;
  if (!pattern.match(name, values)) return {"no"};
  return {values.begin(), values.end()};
}
Names match(std::string_view pattern, std::string_view name, const Constraints& constraints = {}) {
  return match(parse(pattern, constraints), name);
}
const Names kNoMatch{"no"};

std::string mistake(std::string_view text, const Constraints& constraints = {}) {
  const auto pattern = Pattern::parse(text, constraints);
  return pattern ? "parsed" : pattern.error().to_string();
}

TEST(Pattern, KnowsItsWildcardsByFirstAppearance) {
  const Pattern pattern = parse("counts/{sample}/{lane}.{sample}.txt");
  EXPECT_THAT(pattern.wildcards(), ElementsAre("sample", "lane"));
  EXPECT_EQ(pattern.prefix(), "counts/");
  EXPECT_EQ(pattern.suffix(), ".txt");
  EXPECT_EQ(pattern.text(), "counts/{sample}/{lane}.{sample}.txt");
  EXPECT_FALSE(pattern.is_literal());
}

TEST(Pattern, WithoutWildcardsMatchesOnlyItself) {
  const Pattern pattern = parse("a.txt");
  EXPECT_TRUE(pattern.is_literal());
  EXPECT_THAT(match(pattern, "a.txt"), IsEmpty());
  EXPECT_EQ(match(pattern, "a.txt2"), kNoMatch);
  EXPECT_EQ(match(pattern, "axtxt"), kNoMatch);
}

TEST(Pattern, OneWildcardTakesAllBetweenPrefixAndSuffix) {
  EXPECT_THAT(match("a/{x}.txt", "a/b/c.d.txt"), ElementsAre("b/c.d"));
  EXPECT_EQ(match("a/{x}.txt", "b/c.txt"), kNoMatch);
  EXPECT_EQ(match("a/{x}.txt", "a/c.txtx"), kNoMatch);
}

TEST(Pattern, MatchesWholeNamesOnly) {
  EXPECT_EQ(match("{x,a}", "aa"), kNoMatch);
  EXPECT_EQ(match("{x,a}.txt", "ba.txt"), kNoMatch);
  EXPECT_THAT(match("{x,a|ab}", "ab"), ElementsAre("ab"));
}

TEST(Pattern, EmptyValuesNeverMatch) {
  EXPECT_EQ(match("a{x}b", "ab"), kNoMatch);
  EXPECT_EQ(match("{x}{y}", "a"), kNoMatch);
  EXPECT_EQ(match("{x}", ""), kNoMatch);
}

TEST(Pattern, PrefixAndSuffixDoNotOverlap) { EXPECT_EQ(match("aba{x}ba", "aba"), kNoMatch); }

TEST(Pattern, AConstraintMayAllowEmptyValues) { EXPECT_THAT(match("a{x,.*}b", "ab"), ElementsAre("")); }

TEST(Pattern, WildcardsAreGreedyFromTheLeft) {
  EXPECT_THAT(match("{a}_{b}", "1_2_3"), ElementsAre("1_2", "3"));
  EXPECT_THAT(match("{a}{b}", "xyz"), ElementsAre("xy", "z"));
}

TEST(Pattern, ARepeatedWildcardMustMatchTheSameText) {
  EXPECT_THAT(match("{s}/{s}.txt", "ab/ab.txt"), ElementsAre("ab"));
  EXPECT_EQ(match("{s}/{s}.txt", "ab/ac.txt"), kNoMatch);
  EXPECT_THAT(match("{s}{s}", "aaaa"), ElementsAre("aa"));
}

TEST(Pattern, ConstraintsInTheTextWinOverThoseOfTheRule) {
  EXPECT_THAT(match("{x}", "12", {{"x", "\\d+"}}), ElementsAre("12"));
  EXPECT_EQ(match("{x}", "ab", {{"x", "\\d+"}}), kNoMatch);
  EXPECT_THAT(match("{x,[a-z]+}", "ab", {{"x", "\\d+"}}), ElementsAre("ab"));
  EXPECT_THAT(match("{y}", "ab", {{"x", "\\d+"}}), ElementsAre("ab"));
}

TEST(Pattern, AnAlternativeInAConstraintStaysInsideIt) {
  const Pattern pattern = parse("a.{kind,txt|tsv}.gz");
  EXPECT_THAT(match(pattern, "a.txt.gz"), ElementsAre("txt"));
  EXPECT_THAT(match(pattern, "a.tsv.gz"), ElementsAre("tsv"));
  EXPECT_EQ(match(pattern, "a.txt"), kNoMatch);
  EXPECT_EQ(match(pattern, "tsv.gz"), kNoMatch);
}

TEST(Pattern, AConstraintMayHoldRepeatCountsInBraces) {
  const Pattern pattern = parse("{year,\\d{4}}-{n,[0-9]{1,2}}.txt");
  EXPECT_THAT(pattern.wildcards(), ElementsAre("year", "n"));
  EXPECT_THAT(match(pattern, "2024-7.txt"), ElementsAre("2024", "7"));
  EXPECT_EQ(match(pattern, "202-7.txt"), kNoMatch);
  EXPECT_EQ(match(pattern, "2024-123.txt"), kNoMatch);
}

TEST(Pattern, GroupsInAConstraintAreNotWildcards) {
  EXPECT_THAT(match("{x,(a|b)(c)?}-{y}", "ac-d"), ElementsAre("ac", "d"));
}

TEST(Pattern, IgnoresBlanksAroundNameAndConstraint) {
  EXPECT_THAT(match("{ x , \\d+ }.txt", "12.txt"), ElementsAre("12"));
  EXPECT_EQ(match("{ x , \\d+ }.txt", "a.txt"), kNoMatch);
}

TEST(Pattern, BracesWithoutANameAreLiteral) {
  EXPECT_TRUE(parse("{}.txt").is_literal());
  EXPECT_TRUE(parse("{a b}").is_literal());
  EXPECT_TRUE(parse("{a").is_literal());
  EXPECT_TRUE(parse("{a,x{y}").wildcards() == Names{"y"});
}

TEST(Pattern, DoubledBracesKeepOnePair) {
  EXPECT_THAT(match("{{a}}", "{12}"), ElementsAre("12"));
  EXPECT_EQ(match("{{a}}", "12"), kNoMatch);
}

TEST(Pattern, LiteralTextHasNoWildcards) {
  const Pattern pattern = parse("{a}.txt", {}, true);
  EXPECT_TRUE(pattern.is_literal());
  EXPECT_THAT(match(pattern, "{a}.txt"), IsEmpty());
  EXPECT_EQ(match(pattern, "b.txt"), kNoMatch);
}

TEST(Pattern, RegexOperatorsAreLiteralInNames) {
  EXPECT_THAT(match("a+b(c)[d]*?^$|\\.{x}-{y}", "a+b(c)[d]*?^$|\\.1-2"), ElementsAre("1", "2"));
  EXPECT_EQ(match("a.{x}-{y}", "ab1-2"), kNoMatch);
  EXPECT_THAT(match("a b#{x}\n{y}", "a b#1\n2"), ElementsAre("1", "2"));
}

TEST(Pattern, AValueContainsNoNewline) {
  EXPECT_EQ(match("{x}.txt", "a\nb.txt"), kNoMatch);
  EXPECT_EQ(match("{x}.{y}", "a\nb.txt"), kNoMatch);
  EXPECT_EQ(match("{x,[a-z]+}", "a\n"), kNoMatch);
  EXPECT_THAT(match("a\n{x}", "a\nb"), ElementsAre("b"));
}

TEST(Pattern, UnicodeCountsByCharacter) {
  EXPECT_THAT(match("{x,.}.txt", "ä.txt"), ElementsAre("ä"));
  EXPECT_THAT(match("{x,\\w+}.txt", "größe.txt"), ElementsAre("größe"));
  EXPECT_THAT(match("ä{x}-{größe}", "ä1-2"), ElementsAre("1", "2"));
}

TEST(Pattern, NamesThatAreNotUtf8Match) {
  EXPECT_THAT(match("{x}.txt", "\xff.txt"), ElementsAre("\xff"));
  EXPECT_THAT(match("{x}-{y}", "\xff-\xfe"), ElementsAre("\xff", "\xfe"));
  EXPECT_THAT(match("\xff{x}",
                    "\xff"
                    "a"),
              ElementsAre("a"));
}

TEST(Pattern, NamesThatAreNotUtf8MatchConstraintsToo) {
  EXPECT_THAT(match("{x,[^/]+}.txt", "caf\xe9.txt"), ElementsAre("caf\xe9"));
  EXPECT_EQ(match("{x,[^/]+}.txt", "a/caf\xe9.txt"), kNoMatch);
  EXPECT_THAT(match("\xff{x,\\d+}",
                    "\xff"
                    "12"),
              ElementsAre("12"));
}

TEST(Pattern, ACatastrophicConstraintStillEnds) {
  EXPECT_EQ(match(parse("{x,(a+)+}!"), std::string(60, 'a') + "?!"), kNoMatch);
}

TEST(Pattern, LongNamesMatch) {
  const std::string value(100'000, 'x');
  EXPECT_THAT(match("{x}_{y}", value + "_" + value), ElementsAre(value, value));
  EXPECT_THAT(match("{x,(?:x|y)+}_", value + "_"), ElementsAre(value));
}

TEST(Pattern, ABadConstraintIsAnErrorThatShowsThePattern) {
  EXPECT_THAT(mistake("{x,[a}"), HasSubstr("bad wildcard constraint in \"{x,[a}\""));
  EXPECT_THAT(mistake("{x}", {{"x", "(a"}}), HasSubstr("missing closing parenthesis"));
}

TEST(Pattern, AConstraintOnARepeatedWildcardIsAnError) {
  EXPECT_THAT(mistake("{x}/{x,\\d+}"), HasSubstr("{x} has a constraint where it comes again"));
}

TEST(Pattern, FillReversesMatch) {
  const Pattern pattern = parse("{s}/{lane,\\d+}/{s}.txt");
  std::vector<std::string_view> values;
  ASSERT_TRUE(pattern.match("a/3/a.txt", values));
  std::string name = ">";
  pattern.fill(values, name);
  EXPECT_EQ(name, ">a/3/a.txt");
}

TEST(FillWildcards, LeavesUnknownNamesAsTheyAre) {
  const std::string_view values[] = {"1", "{b}"};
  EXPECT_EQ(fill_wildcards("{a}-{b}-{c}-{a,\\d+}-{}", {"a", "b"}, values), "1-{b}-{c}-1-{}");
  EXPECT_EQ(fill_wildcards("no braces", {}, {}), "no braces");
}

}  // namespace
}  // namespace furrow::workflow
