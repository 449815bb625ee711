#include "command/template/template.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace furrow::command {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Arguments arguments(const std::vector<std::string>& values) {
  Arguments all;
  for (const std::string& value : values) all.add(value);
  return all;
}

TemplateOptions command_options() {
  TemplateOptions options;
  options.append_value = true;
  return options;
}

CommandTemplate parse(const std::vector<std::string>& words,
                      const TemplateOptions& options = command_options()) {
  auto parsed = CommandTemplate::parse(words, options);
  EXPECT_TRUE(parsed.has_value()) << parsed.error().to_string();
  return std::move(*parsed);
}

std::string render(const std::vector<std::string>& words, const std::vector<std::string>& values,
                   const TemplateOptions& options = command_options(), const RenderContext& context = {}) {
  return parse(words, options).render(arguments(values), context);
}

// VALUE in the form TEXT of --plus, unquoted.
std::string form(const std::string& text, const std::string& value) {
  TemplateOptions options;
  options.plus = true;
  options.quote = false;
  return render({text}, {value}, options);
}

TEST(Template, AddsTheValueIfNoneIsUsed) {
  EXPECT_EQ(render({"gzip", "-k"}, {"a"}), "gzip -k a");
  EXPECT_EQ(render({"echo", "{#}"}, {"a"}), "echo 1");
}

TEST(Template, WithoutACommandTheValueIsTheCommand) { EXPECT_EQ(render({}, {"ls | wc"}), "ls | wc"); }

TEST(Template, QuotesWhatTheShellWouldInterpret) {
  EXPECT_EQ(render({"cat {} > {}.out"}, {"a b"}), "cat 'a b' > 'a b'.out");
  EXPECT_EQ(render({"x={}", "y"}, {"a b"}), "x='a b' y");
}

TEST(Template, AValueThatIsTheCommandIsNotQuoted) {
  EXPECT_EQ(render({"{}", "x"}, {"ls -l"}), "ls -l x");
  EXPECT_EQ(render({"my_{}", "{}"}, {"a b"}), "my_a b a b");
}

TEST(Template, RendersTheFormsOfAValue) {
  EXPECT_EQ(form("{.}|{/}|{//}|{/.}", "a.b/c.d.e"), "a.b/c.d|c.d.e|a.b|c.d");
  EXPECT_EQ(form("{.}|{/}|{//}|{/.}", "a.b/c"), "a.b/c|c|a.b|c");
  EXPECT_EQ(form("{.}|{/}|{//}|{/.}", ".x"), "|.x|.|");
  EXPECT_EQ(form("{//}", "/a"), "/");
  EXPECT_EQ(form("{//}", "/"), "/");
  EXPECT_EQ(form("{//}", "a//b/"), "a");
  EXPECT_EQ(form("{/}", "line\nend/x"), "x");
}

TEST(Template, RendersTheFormsOfPlus) {
  EXPECT_EQ(form("{+/}|{+.}|{+..}|{..}|{/...}", "d/a.b.c.d"), "d|d|c.d|d/a.b|a");
  EXPECT_EQ(form("{+/}|{+.}|{+..}|{..}", "a"), "|||a");
  EXPECT_EQ(form("{:2}|{:1:2}|{:9}|{:-none}", "abcd"), "cd|bc||abcd");
  EXPECT_EQ(form("{:-none}", ""), "none");
  EXPECT_EQ(form("{#a.*b}|{##a.*b}|{%b.*}|{%%b.*}", "aXbYb"), "Yb||aXbY|aX");
  EXPECT_EQ(form("{/b/-}|{//b/-}|{//x*/-}", "abab"), "a-ab|a-a-|-a-b-a-b-");
  EXPECT_EQ(form("{^a}|{^^[a-z]}|{,B}", "abc"), "Abc|ABC|abc");
}

TEST(Template, PositionsCountFromBothEnds) {
  EXPECT_EQ(render({"echo {1}-{2.}-{-1}-{3}-{-4}"}, {"a", "b.c", "d e"}), "echo a-b-'d e'-'d e'-");
  EXPECT_EQ(render({"echo {4}"}, {"a"}), "echo ");
}

TEST(Template, HeaderNamesStandForPositions) {
  TemplateOptions options = command_options();
  options.names = {"x", "x y", "#"};
  EXPECT_EQ(render({"echo {x}{x y.}{#}${z}"}, {"1", "2.a", "3"}, options), "echo 123${z}");
}

TEST(Template, ANameThatNoColumnHasIsAnError) {
  TemplateOptions options = command_options();
  options.names = {"length", "", "width"};
  for (const char* text : {"echo {lenght}", "echo {height.}", "echo \"{widt}\"", "'{Length}'"}) {
    const auto parsed = CommandTemplate::parse({text}, options);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().message.find("the columns are length, width"), std::string::npos) << text;
  }
  for (const char* text :
       {"awk {print} {length}", "echo '{x}' {length}", "echo ${lengths} {length}", "f {,a} {a b}"})
    EXPECT_TRUE(CommandTemplate::parse({text}, options).has_value()) << text;
}

TEST(Template, LeavesOtherBracesUnchanged) {
  EXPECT_EQ(render({"awk '{print $1}' {} {x} {a..b} }{"}, {"f"}), "awk '{print $1}' f {x} {a..b} }{");
  EXPECT_EQ(render({"echo {##} {:2}"}, {"f"}), "echo {##} {:2} f");
}

TEST(Template, AcceptsAnotherStringForTheValue) {
  TemplateOptions options = command_options();
  options.value_string = ",,";
  EXPECT_EQ(render({"echo ,, {} {1} {.}"}, {"a.b"}, options), "echo a.b {} {1} a");
}

TEST(Template, RendersNumberSlotSeedAndTotal) {
  TemplateOptions options = command_options();
  options.plus = true;
  const RenderContext context{7, 120, 3, 12, 99};
  EXPECT_EQ(render({"echo {#} {%} {seed} {##} {0#} {0%}"}, {"x"}, options, context),
            "echo 7 3 99 120 007 03");
}

TEST(Template, RepeatsTheValueOrTheWordAroundIt) {
  TemplateOptions options = command_options();
  EXPECT_EQ(render({"echo", "p{}q", "{1}"}, {"a", "b"}, options), "echo pa bq a");
  options.repeat_context = true;
  EXPECT_EQ(render({"echo", "p{}q r{.}", "{1}x"}, {"a", "b.c"}, options), "echo paq pb.cq ra rb ax");
}

TEST(Template, WithoutValuesReplacesThemByNothing) {
  TemplateOptions options = command_options();
  options.no_values = true;
  EXPECT_EQ(render({"echo", "x{}y{1}", "{#}"}, {"a"}, options), "echo xy 1");
}

TEST(Template, QuotesWholeWordsOnRequest) {
  TemplateOptions options = command_options();
  options.quote_words = true;
  EXPECT_EQ(render({"perl", "-e", "print $x", "{}"}, {"a b"}, options), "perl -e 'print $x' 'a b'");
}

TEST(Template, APlainCommandNeedsNoShell) {
  const CommandTemplate command = parse({"gzip", "-k --out={.}.gz", "{}"});
  EXPECT_EQ(command.plain_program(), "gzip");
  std::vector<std::string> argv;
  command.render_argv(arguments({"a b'\n.txt"}), {}, argv);
  EXPECT_THAT(argv, ElementsAre("gzip", "-k", "--out=a b'\n.gz", "a b'\n.txt"));
}

TEST(Template, AnEmptyValueIsAnEmptyArgument) {
  std::vector<std::string> argv;
  parse({"wc", "{}", "{2}"}).render_argv(arguments({""}), {}, argv);
  EXPECT_THAT(argv, ElementsAre("wc", ""));
}

TEST(Template, ShellSyntaxNeedsAShell) {
  for (const char* const text :
       {"a | b", "a > {}", "a; b", "x=1 a", "~/a", "a *", "{}", "{} a", "a{} b", "a\nb", "a $x"})
    EXPECT_EQ(parse({text}).plain_program(), "") << text;
}

TEST(Template, RefusesPerlAndNamesTheNearestEquivalent) {
  const auto hint = [](const char* text) {
    auto parsed = CommandTemplate::parse({"echo", text}, command_options());
    return parsed ? std::string("accepted") : parsed.error().hint;
  };
  EXPECT_THAT(hint("{= s:\\.[^/.]+$:: =}"), HasSubstr("{.}"));
  EXPECT_THAT(hint("{= s:.*/:: =}"), HasSubstr("{/}"));
  EXPECT_THAT(hint("{= $_=seq() =}"), HasSubstr("{#}"));
  EXPECT_THAT(hint("{= $_=total_jobs() =}"), HasSubstr("{##}"));
  EXPECT_THAT(hint("{= s/a/b/g =}"), HasSubstr("{//expression/text}"));
  EXPECT_THAT(hint("{=2 $_++ =}"), HasSubstr("$(( {} + 1 ))"));
  EXPECT_EQ(hint("{= is no Perl"), "accepted");
}

TEST(Template, AMalformedExpressionIsAnError) {
  TemplateOptions options = command_options();
  options.plus = true;
  EXPECT_FALSE(CommandTemplate::parse({"echo {%a(}"}, options).has_value());
}

TEST(Template, SkipsCombinationsThatDifferOnlyInOrder) {
  TemplateOptions options = command_options();
  options.plus = true;
  const CommandTemplate unique = parse({"echo {uniq}"}, options),
                        choose = parse({"echo {choose_k}"}, options);
  EXPECT_TRUE(unique.skips(arguments({"a", "b", "a"})));
  EXPECT_FALSE(unique.skips(arguments({"b", "a"})));
  EXPECT_TRUE(choose.skips(arguments({"b", "a"})));
  EXPECT_FALSE(choose.skips(arguments({"a", "b"})));
}

TEST(Template, IdentityCoversTextAndMeaning) {
  EXPECT_EQ(parse({"echo", "{}"}).identity(), parse({"echo {}"}).identity());
  EXPECT_EQ(parse({"echo"}).identity(), parse({"echo {}"}).identity());
  EXPECT_NE(parse({"echo {}"}).identity(), parse({"echo {.}"}).identity());
  TemplateOptions plus = command_options();
  plus.plus = true;
  EXPECT_NE(parse({"echo {}"}, plus).identity(), parse({"echo {}"}).identity());
}

}  // namespace
}  // namespace furrow::command
