#include "cli/map/map_command_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cli/map/map_help.hpp"
#include "cli/map/map_option_table.hpp"
#include "os/files/files.hpp"

namespace furrow::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

MapCommandOptions read(const std::vector<std::string>& arguments) {
  auto options = read_map_options(arguments);
  EXPECT_TRUE(options.has_value()) << options.error().text;
  return options ? *options : MapCommandOptions{};
}

std::string refusal(const std::vector<std::string>& arguments) {
  auto options = read_map_options(arguments);
  if (options) return "accepted";
  EXPECT_EQ(options.error().code, 255);
  return options.error().text;
}

TEST(MapCommandOptions, EndAtTheCommand) {
  const MapCommandOptions options =
      read({"-kj2", "--tag", "ls", "-k", "--color", "--", "{}", ":::", "-a", "--tag"});
  EXPECT_TRUE(options.keep_order);
  EXPECT_EQ(options.jobs.jobs(8), 2u);
  EXPECT_THAT(options.command, ElementsAre("ls", "-k", "--color", "--", "{}"));
  ASSERT_EQ(options.inputs.sources.size(), 1u);
  EXPECT_THAT(options.inputs.sources[0].values, ElementsAre("-a", "--tag"));
}

TEST(MapCommandOptions, ReadsGroupsOfValuesAndFiles) {
  const auto sources =
      read({"-a", "f0", "echo", ":::", "a", "b", ":::+", "c", "::::", "f1", "f2", "::::+", "f3", ":::"})
          .inputs.sources;
  std::string all;
  for (const auto& source : sources) {
    all += source.linked ? "+" : " ";
    all += source.is_file ? source.path : "(";
    for (const std::string& value : source.values) all += value;
  }
  EXPECT_EQ(all, " f0 (ab+(c f1 f2+f3 (");
}

TEST(MapCommandOptions, OptionsForSlurmNeedSlurm) {
  for (const auto& [option, value] :
       {std::pair("--batch-nodes", "1"), {"--packing", "one"}, {"--resource", "mem_mb=5"}}) {
    EXPECT_THAT(refusal({option, value, "echo"}), HasSubstr("Add --executor slurm, or leave it out."));
    EXPECT_EQ(refusal({"--executor", "slurm", option, value, "echo"}), "accepted");
  }
  EXPECT_THAT(refusal({"--executor", "slurm", "--packing", "one", "--batch-nodes", "2", "echo"}),
              HasSubstr("leave out one of the two"));
}

TEST(MapCommandOptions, AcceptsOtherSeparators) {
  const MapCommandOptions options = read({"--arg-sep", ",,", "echo", ":::", ",,", "a", ",,+", "b"});
  EXPECT_THAT(options.command, ElementsAre("echo", ":::"));
  ASSERT_EQ(options.inputs.sources.size(), 2u);
  EXPECT_TRUE(options.inputs.sources[1].linked);
}

TEST(MapCommandOptions, CountsJobsInCores) {
  EXPECT_EQ(read({"echo"}).jobs.jobs(8), 8u);
  EXPECT_EQ(read({"-j", "+2"}).jobs.jobs(8), 10u);
  EXPECT_EQ(read({"-j", "-2"}).jobs.jobs(8), 6u);
  EXPECT_EQ(read({"-j", "-20"}).jobs.jobs(8), 1u);
  EXPECT_EQ(read({"-j", "30%"}).jobs.jobs(8), 3u);
  EXPECT_EQ(read({"-P0"}).jobs.jobs(8), kMostJobs);
  EXPECT_THAT(refusal({"-j", "many"}), HasSubstr("--jobs: many is not one of"));
}

TEST(MapCommandOptions, ReadsSeveralValuesPerJob) {
  MapCommandOptions options = read({"-N3"});
  EXPECT_EQ(options.batches.max_records, 3u);
  EXPECT_TRUE(options.templates.repeat_context);
  options = read({"-n", "3"});
  EXPECT_FALSE(options.templates.repeat_context);
  options = read({"-m"});
  EXPECT_EQ(options.batches.max_records, 0u);
  EXPECT_TRUE(options.batches.spread);
  EXPECT_FALSE(options.templates.repeat_context);
  options = read({"-X"});
  EXPECT_TRUE(options.templates.repeat_context);
  options = read({"-N0"});
  EXPECT_TRUE(options.templates.no_values);
  EXPECT_EQ(options.batches.max_records, 1u);
  options = read({"-s", "1k"});
  EXPECT_EQ(options.batches.max_length, 1000u);
  EXPECT_EQ(options.batches.max_records, 1u);
}

TEST(MapCommandOptions, ReadsHaltRules) {
  using Why = Halt::Why;
  using When = Halt::When;
  EXPECT_EQ(read({"x"}).halt.when, When::kNever);
  EXPECT_EQ(read({"--halt", "0"}).halt.when, When::kNever);
  const auto check = [](const char* text, When when, Why why, double limit, bool percent) {
    const Halt halt = read({"--halt", text}).halt;
    EXPECT_TRUE(halt.when == when && halt.why == why && halt.limit == limit && halt.percent == percent)
        << text;
  };
  check("now,fail=1", When::kNow, Why::kFail, 1, false);
  check("soon,success=30%", When::kSoon, Why::kSuccess, 30, true);
  check("now,done=3", When::kNow, Why::kDone, 3, false);
  check("1", When::kSoon, Why::kFail, 1, false);
  check("2", When::kNow, Why::kFail, 1, false);
  check("-1", When::kSoon, Why::kSuccess, 1, false);
  check("-2", When::kNow, Why::kSuccess, 1, false);
  check("7%", When::kSoon, Why::kFail, 7, true);
  for (const char* const wrong : {"now", "now,fail", "later,fail=1", "now,fail=x", "now,fail=1x", "-3"})
    EXPECT_THAT(refusal({"--halt", wrong}), HasSubstr("is not of the form now,fail=1")) << wrong;
}

TEST(MapCommandOptions, ReadsDurationsAndSizes) {
  EXPECT_EQ(read({"--timeout", "1m30.5s"}).timeout_s, 90.5);
  EXPECT_EQ(read({"--timeout", "1d"}).timeout_s, 86400);
  EXPECT_EQ(read({"--timeout", "250%"}).timeout_percent, 250);
  EXPECT_EQ(read({"--delay", "0.1"}).delay_s, 0.1);
  EXPECT_EQ(read({"--memfree", "1.5G"}).memfree, 3u << 29);
  EXPECT_EQ(read({"--memfree", "2m"}).memfree, 2000000u);
  EXPECT_THAT(refusal({"--timeout", "soon"}), HasSubstr("is not a duration"));
  EXPECT_THAT(refusal({"--memfree", "1X"}), HasSubstr("is not a number"));
}

TEST(MapCommandOptions, ReadsSignalsByNameAndNumber) {
  const auto steps = read({"--termseq", "INT,100,SIGTERM,50,9"}).term_sequence;
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0].signal, 2);
  EXPECT_EQ(steps[0].wait_s, 0.1);
  EXPECT_EQ(steps[1].signal, 15);
  EXPECT_EQ(steps[2].signal, 9);
  EXPECT_THAT(refusal({"--termseq", "NONE,1"}), HasSubstr("is not a signal"));
}

TEST(MapCommandOptions, ReadsDelimiters) {
  EXPECT_EQ(read({"-0"}).inputs.delimiter, '\0');
  EXPECT_EQ(read({"-d", "\\0"}).inputs.delimiter, '\0');
  EXPECT_EQ(read({"-d", "\\t"}).inputs.delimiter, '\t');
  EXPECT_EQ(read({"-d", "\\x2c"}).inputs.delimiter, ',');
  EXPECT_EQ(read({"-d", "\\101"}).inputs.delimiter, 'A');
  EXPECT_EQ(read({"-d", "ab"}).inputs.delimiter_text, "ab");
}

TEST(MapCommandOptions, TrimsColumns) {
  EXPECT_EQ(read({"-C", ","}).inputs.trim, command::Trim::kBoth);
  EXPECT_EQ(read({"-C", ",", "--trim", "n"}).inputs.trim, command::Trim::kNone);
  EXPECT_EQ(read({"--csv"}).inputs.trim, command::Trim::kNone);
}

TEST(MapCommandOptions, ReadsPipeOptions) {
  MapCommandOptions options = read({"--pipe", "--block", "2M", "--recstart", ">", "--header", ":", "wc"});
  EXPECT_EQ(options.split.block_bytes, 2u << 20);
  EXPECT_EQ(options.split.end, "");
  EXPECT_EQ(options.split.header_lines, 1u);
  EXPECT_FALSE(options.templates.append_value);
  options = read({"--pipe", "--recend", "\\n\\n", "-N5", "wc"});
  EXPECT_EQ(options.split.end, "\n\n");
  EXPECT_EQ(options.split.records, 5u);
  EXPECT_EQ(read({"--pipe-part", "-a", "f", "wc"}).blocks_per_slot, 10);
  EXPECT_EQ(read({"--pipe-part", "-a", "f", "--block", "-2", "wc"}).blocks_per_slot, 2);
  EXPECT_THAT(refusal({"--pipe"}), HasSubstr("needs a command"));
  EXPECT_THAT(refusal({"--pipe-part", "wc"}), HasSubstr("needs files"));
  EXPECT_THAT(refusal({"--pipe-part", "-a", "f", "-N1", "wc"}),
              HasSubstr("cannot be combined with -N or -L"));
  EXPECT_THAT(refusal({"--pipe", "wc", ":::", "a"}), HasSubstr("standard input"));
}

TEST(MapCommandOptions, ReadsLogsAndResuming) {
  const MapCommandOptions options = read({"--joblog", "+log", "--resume"});
  EXPECT_EQ(options.joblog, "log");
  EXPECT_TRUE(options.joblog_append);
  EXPECT_THAT(refusal({"--resume", "x"}), HasSubstr("needs a --joblog"));
  EXPECT_THAT(refusal({"--retry-failed"}), HasSubstr("need the --joblog"));
}

TEST(MapCommandOptions, NamesMayBeAbbreviated) {
  EXPECT_TRUE(read({"--keep", "--dry"}).keep_order);
  EXPECT_THAT(refusal({"--resu"}), HasSubstr("is ambiguous"));
}

TEST(MapCommandOptions, ExplainsMistakes) {
  EXPECT_THAT(refusal({"--keep-ordr", "x"}), HasSubstr("Did you mean --keep-order?"));
  EXPECT_THAT(refusal({"-k", "-Z", "x"}), HasSubstr("there is no option -Z"));
  EXPECT_THAT(refusal({"-j"}), HasSubstr("needs a value"));
  EXPECT_THAT(refusal({"--tag=x"}), HasSubstr("takes no value"));
  EXPECT_THAT(refusal({"--group", "-u", "x"}), HasSubstr("only one of"));
  EXPECT_THAT(refusal({"--sshlogin", "host"}), HasSubstr("this machine"));
  EXPECT_THAT(refusal({"-kS", "host"}), HasSubstr("this machine"));
}

std::string source_file(const std::string& name) {
  auto text = os::read_file(FURROW_SOURCE "/" + name);
  EXPECT_TRUE(text.has_value()) << name;
  return text.value_or("");
}

// NAME in bold, in the markup of the manual.
std::string in_bold(const std::string& name) {
  std::string text = "\\fB";
  for (const char c : name) text += c == '-' ? "\\-" : std::string(1, c);
  return text + "\\fR";
}

bool has_word(const std::string& text, const std::string& word) {
  const std::string around = " '\n";
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t after = at + word.size();
    if (at > 0 && after < text.size() && around.find(text[at - 1]) != std::string::npos &&
        around.find(text[after]) != std::string::npos)
      return true;
  }
  return false;
}

// The name of an option in help and manual: "--keep-order", "-X".
std::string main_name(const MapOption& option) {
  const std::string_view first = option.names.substr(0, option.names.find(' '));
  return (first.size() == 1 ? "-" : "--") + std::string(first);
}

TEST(MapCommandOptions, EachIsInTheManualAndTheCompletions) {
  const std::string manual = source_file("docs/man/furrow.1"), bash = source_file("completions/furrow.bash"),
                    zsh = source_file("completions/_furrow"), fish = source_file("completions/furrow.fish");
  const std::set<std::string> habits{"--will-cite", "--gnu", "--use-cores-instead-of-threads"};
  for (const MapOption& option : all_map_options()) {
    const std::string name = main_name(option);
    EXPECT_TRUE(manual.find(in_bold(name)) != std::string::npos) << name << " is not in the manual";
    if (habits.contains(name)) continue;  // not offered
    const std::string in_fish = name.starts_with("--") ? "-l " + name.substr(2) : "-s " + name.substr(1);
    EXPECT_TRUE(has_word(bash, name)) << name << " is not completed by bash";
    EXPECT_TRUE(zsh.find("'*" + name + "[") != std::string::npos) << name << " is not completed by zsh";
    EXPECT_TRUE(fish.find("in map' " + in_fish + " ") != std::string::npos)
        << name << " is not completed by fish";
  }
}

TEST(MapCommandOptions, HelpFitsTwoScreens) {
  auto options = read_map_options({"--help"});
  ASSERT_FALSE(options.has_value());
  EXPECT_EQ(options.error().code, 0);
  std::size_t lines = 1, width = 0, longest = 0;
  for (const char c : map_help()) {
    width = c == '\n' ? 0 : width + 1;
    longest = std::max(longest, width);
    lines += c == '\n';
  }
  EXPECT_LE(lines, 48u);
  EXPECT_LE(longest, 80u);
}

}  // namespace
}  // namespace furrow::cli
