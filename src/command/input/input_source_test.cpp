#include "command/input/input_source.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace furrow::command {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Rows = std::vector<std::string>;  // the values of each job, joined by '|'

class InputSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "inputXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  SourceSpec file(const std::string& content, bool linked = false) {
    const std::string path = folder_ + "/" + std::to_string(files_++);
    std::ofstream(path, std::ios::binary) << content;
    return {true, {}, path, linked};
  }

  static Rows read(const InputOptions& options) {
    auto source = open_inputs(options);
    if (!source) return {"error: " + source.error().message};
    Rows rows;
    Arguments values;
    for (;;) {
      const auto pulled = (*source)->next(values);
      if (!pulled) {
        rows.push_back("error: " + pulled.error().message);
        return rows;
      }
      if (*pulled == Pull::kEnd) return rows;
      rows.push_back(values.joined("|"));
    }
  }

  Rows read_file(const std::string& content, InputOptions options = {}) {
    options.sources = {file(content)};
    return read(options);
  }

  std::string folder_;
  int files_ = 0;
};

SourceSpec values(std::vector<std::string> all, bool linked = false) {
  return {false, std::move(all), {}, linked};
}

InputOptions from(std::vector<SourceSpec> sources) {
  InputOptions options;
  options.sources = std::move(sources);
  return options;
}

TEST_F(InputSourceTest, ALineIsAValueWithAnyBytes) {
  EXPECT_THAT(read_file("a b\n\n 'x' \n\xff\nlast"), ElementsAre("a b", "", " 'x' ", "\xff", "last"));
  EXPECT_THAT(read_file(""), ElementsAre());
  EXPECT_THAT(read_file("a\n"), ElementsAre("a"));
}

TEST_F(InputSourceTest, ALineMayBeLongerThanTheBuffer) {
  const std::string line(300000, 'x');
  EXPECT_THAT(read_file(line + "\nb"), ElementsAre(line, "b"));
}

TEST_F(InputSourceTest, SplitsAtOtherDelimiters) {
  InputOptions nul;
  nul.delimiter = '\0';
  EXPECT_THAT(read_file(std::string("a\nb\0c", 5), nul), ElementsAre("a\nb", "c"));
  InputOptions text;
  text.delimiter_text = "--";
  EXPECT_THAT(read_file("a-b--c\n--", text), ElementsAre("a-b", "c\n"));
}

TEST_F(InputSourceTest, ADelimiterMaySpanTwoReads) {
  InputOptions text;
  text.delimiter_text = "<-->";
  const std::string most(64 * 1024 - 2, 'x');
  EXPECT_THAT(read_file(most + "<-->b", text), ElementsAre(most, "b"));
}

TEST_F(InputSourceTest, ANewlineInACommandLineValueIsPartOfIt) {
  EXPECT_THAT(read(from({values({"a\nb", ""})})), ElementsAre("a\nb", ""));
}

TEST_F(InputSourceTest, ADelimiterAlsoSplitsCommandLineValues) {
  InputOptions options = from({values({"a,b", "c,"})});
  options.delimiter = ',';
  EXPECT_THAT(read(options), ElementsAre("a", "b", "c"));
}

TEST_F(InputSourceTest, ExplainsANulByteInAValue) {
  EXPECT_THAT(read_file(std::string("a\nb\0c", 5)), ElementsAre("a", HasSubstr("record 2")));
}

TEST_F(InputSourceTest, MultipliesSourcesTheLastChangesFastest) {
  EXPECT_THAT(read(from({values({"1", "2"}), file("a\nb\n"), values({"x", "y"})})),
              ElementsAre("1|a|x", "1|a|y", "1|b|x", "1|b|y", "2|a|x", "2|a|y", "2|b|x", "2|b|y"));
}

TEST_F(InputSourceTest, AnEmptySourceCountsAsOneEmptyValue) {
  EXPECT_THAT(read(from({values({"1", "2"}), values({})})), ElementsAre("1|", "2|"));
  EXPECT_THAT(read(from({values({}), values({})})), ElementsAre());
}

TEST_F(InputSourceTest, LinkedSourcesEndWithTheShortest) {
  EXPECT_THAT(read(from({values({"a", "b", "c"}), values({"1", "2"}, true), values({"X", "Y"})})),
              ElementsAre("a|1|X", "a|1|Y", "b|2|X", "b|2|Y"));
}

TEST_F(InputSourceTest, LinkStartsShorterSourcesOver) {
  InputOptions options = from({values({"1", "2"}), values({"a"}), file("x\ny\nz\n")});
  options.link = true;
  EXPECT_THAT(read(options), ElementsAre("1|a|x", "2|a|y", "1|a|z"));
}

TEST_F(InputSourceTest, SplitsColumnsAtText) {
  InputOptions options;
  options.column_separator = "\\t";
  EXPECT_THAT(read_file("a\tb\n\tc\nd\t\n\n", options), ElementsAre("a|b", "|c", "d|", ""));
}

TEST_F(InputSourceTest, SplitsColumnsAtARegularExpression) {
  InputOptions options;
  options.column_separator = "[,;]+";
  options.trim = Trim::kBoth;
  EXPECT_THAT(read_file("a ,; b;c\n", options), ElementsAre("a|b|c"));
  options.column_separator = "(";
  EXPECT_THAT(read_file("a\n", options), ElementsAre(HasSubstr("--colsep")));
}

TEST_F(InputSourceTest, CsvKnowsQuotes) {
  InputOptions options;
  options.csv = true;
  EXPECT_THAT(read_file("a,b\n\"x, \"\"q\"\"\", y\r\n\"l1\nl2\",", options),
              ElementsAre("a|b", "x, \"q\"| y", "l1\nl2|"));
  EXPECT_THAT(read_file("a\n\"b\n", options), ElementsAre("a", HasSubstr("record 2")));
  options.column_separator = ";";
  EXPECT_THAT(read_file("a,b;c\n", options), ElementsAre("a,b|c"));
}

TEST_F(InputSourceTest, CsvLinesMaySpanReads) {
  std::string content, last;
  for (int i = 0; i < 20000; ++i) content += "\"" + std::to_string(i) + "\nx\",y\n";
  InputOptions options;
  options.csv = true;
  const Rows rows = read_file(content, options);
  ASSERT_EQ(rows.size(), 20000u);
  EXPECT_EQ(rows.back(), "19999\nx|y");
}

TEST_F(InputSourceTest, TheHeaderNamesTheColumnsOfAllSources) {
  InputOptions options = from({file("a\tb\r\n1\t2\n"), values({"c", "3", "4"})});
  options.header = true;
  auto source = open_inputs(options);
  ASSERT_TRUE(source.has_value());
  EXPECT_THAT((*source)->names(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(read(options), ElementsAre("1|2|3", "1|2|4"));
}

TEST_F(InputSourceTest, HandlesBlankLinesEndMarksAndContinuations) {
  InputOptions options;
  options.skip_blank = true;
  EXPECT_THAT(read_file("a\n \n\nb\n", options), ElementsAre("a", "b"));
  options = {};
  options.end_of_file = "END";
  EXPECT_THAT(read_file("a\nEND\nb\n", options), ElementsAre("a"));
  options = {};
  options.continue_lines = true;
  EXPECT_THAT(read_file("a \nb\nc \n", options), ElementsAre("a b", "c "));
}

TEST_F(InputSourceTest, TrimsBlanks) {
  InputOptions options = from({values({" a b "})});
  options.trim = Trim::kLeft;
  EXPECT_THAT(read(options), ElementsAre("a b "));
  options.trim = Trim::kRight;
  EXPECT_THAT(read(options), ElementsAre(" a b"));
}

TEST_F(InputSourceTest, ShufflesTheSameWayForTheSameSeed) {
  std::vector<std::string> all;
  for (int i = 0; i < 50; ++i) all.push_back(std::to_string(i));
  InputOptions options = from({values(all)});
  options.shuffle = true;
  const Rows once = read(options);
  EXPECT_EQ(once, read(options));
  EXPECT_NE(once, all);
  EXPECT_THAT(once, testing::UnorderedElementsAreArray(all));
  options.shuffle_seed = 1;
  EXPECT_NE(once, read(options));
}

TEST_F(InputSourceTest, NamesAMissingFile) {
  EXPECT_THAT(read(from({{true, {}, folder_ + "/none", false}})), ElementsAre(HasSubstr("/none")));
}

// Reads a pipe in place of a file.
class PipeTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    write_end_ = ends[1];
    path_ = "/dev/fd/" + std::to_string(read_end_ = ends[0]);
  }
  void TearDown() override {
    ::close(read_end_);
    close_writer();
  }
  void send(const std::string& text) {
    ASSERT_EQ(::write(write_end_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void close_writer() {
    if (write_end_ >= 0) ::close(write_end_);
    write_end_ = -1;
  }
  int read_end_ = -1, write_end_ = -1;
  std::string path_;
};

TEST_F(PipeTest, DoesNotWaitForASlowSource) {
  auto source = open_inputs(from({{true, {}, path_, false}}));
  ASSERT_TRUE(source.has_value());
  Arguments values;
  EXPECT_EQ(*(*source)->next(values), Pull::kNotYet);
  EXPECT_GE((*source)->descriptor(), 0);
  send("on");
  EXPECT_EQ(*(*source)->next(values), Pull::kNotYet);
  send("e\ntwo");
  EXPECT_EQ(*(*source)->next(values), Pull::kValue);
  EXPECT_EQ(values.joined("|"), "one");
  EXPECT_EQ(*(*source)->next(values), Pull::kNotYet);
  close_writer();
  EXPECT_EQ(*(*source)->next(values), Pull::kValue);
  EXPECT_EQ(values.joined("|"), "two");
  EXPECT_EQ(*(*source)->next(values), Pull::kEnd);
  EXPECT_EQ(*(*source)->next(values), Pull::kEnd);
}

TEST_F(PipeTest, AProductYieldsWhatHasArrived) {
  auto source = open_inputs(from({values({"a", "b"}), {true, {}, path_, false}}));
  ASSERT_TRUE(source.has_value());
  Arguments row;
  EXPECT_EQ(*(*source)->next(row), Pull::kNotYet);
  send("1\n");
  EXPECT_EQ(*(*source)->next(row), Pull::kValue);
  EXPECT_EQ(row.joined("|"), "a|1");
  EXPECT_EQ(*(*source)->next(row), Pull::kNotYet);
  send("2\n");
  close_writer();
  std::string rest;
  while (*(*source)->next(row) == Pull::kValue) rest += row.joined("|") + " ";
  EXPECT_EQ(rest, "a|2 b|1 b|2 ");
}

}  // namespace
}  // namespace furrow::command
