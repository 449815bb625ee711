#include "command/input/record_splitter.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "os/files/descriptor.hpp"
#include "os/files/files.hpp"

namespace furrow::command {
namespace {

using testing::ElementsAre;

SplitOptions blocks_of(std::uint64_t bytes) {
  SplitOptions options;
  options.block_bytes = bytes;
  return options;
}

SplitOptions records(std::uint64_t count) {
  SplitOptions options;
  options.records = count;
  return options;
}

class SplitterTest : public testing::Test {
 protected:
  void SetUp() override { path_ = testing::TempDir() + "splitter" + std::to_string(::getpid()); }
  void TearDown() override { ::unlink(path_.c_str()); }

  // The blocks of TEXT, with their headers in brackets; checks that they are the same for a file and for a
  // pipe that delivers one byte at a time.
  std::vector<std::string> split(const std::string& text, const SplitOptions& options) {
    EXPECT_TRUE(os::write_file(path_, text).has_value());
    const os::Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    RecordSplitter splitter(file.get(), options);
    const std::vector<std::string> blocks = all(splitter);
    EXPECT_EQ(split_pipe(text, options), blocks);
    return blocks;
  }

  static std::vector<std::string> all(RecordSplitter& splitter) {
    std::vector<std::string> blocks;
    for (Block block;;) {
      const auto pulled = splitter.next(block);
      if (!pulled) return {"error: " + pulled.error().message};
      if (*pulled == Pull::kEnd) return blocks;
      if (*pulled == Pull::kNotYet) return {"not yet"};
      add(blocks, block);
    }
  }

  static void add(std::vector<std::string>& blocks, const Block& block) {
    blocks.push_back((block.header().empty() ? "" : "[" + std::string(block.header()) + "]") +
                     std::string(block.data()));
  }

  static std::vector<std::string> split_pipe(const std::string& text, const SplitOptions& options) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const os::Descriptor reader(ends[0]);
    RecordSplitter splitter(ends[0], options);
    std::vector<std::string> blocks;
    Block block;
    const auto drain = [&] {
      for (;;) {
        const auto pulled = splitter.next(block);
        if (!pulled) blocks = {"error: " + pulled.error().message};
        if (!pulled || *pulled != Pull::kValue) return;
        add(blocks, block);
      }
    };
    for (const char c : text) {
      EXPECT_EQ(::write(ends[1], &c, 1), 1);
      drain();
    }
    ::close(ends[1]);
    drain();
    return blocks;
  }

  std::vector<std::string> parts(const std::string& text, const SplitOptions& options) {
    EXPECT_TRUE(os::write_file(path_, text).has_value());
    const auto parts = split_file(path_, options);
    if (!parts) return {"error: " + parts.error().message};
    std::vector<std::string> texts;
    if (!parts->header.empty()) texts.push_back("[" + parts->header + "]");
    for (const FileRange& range : parts->ranges)
      texts.push_back(text.substr(range.begin, range.end - range.begin));
    return texts;
  }

  std::string path_;
};

TEST_F(SplitterTest, BlocksEndWithALine) {
  EXPECT_THAT(split("1\n2\n3\n4\n5\n6\n7", blocks_of(4)), ElementsAre("1\n2\n", "3\n4\n", "5\n6\n", "7"));
  EXPECT_THAT(split("1\n22\n3\n", blocks_of(4)), ElementsAre("1\n", "22\n", "3\n"));
  EXPECT_THAT(split("", blocks_of(4)), ElementsAre());
}

TEST_F(SplitterTest, ALongRecordStaysWhole) {
  EXPECT_THAT(split("123456789\n1\n", blocks_of(4)), ElementsAre("123456789\n1\n"));
}

TEST_F(SplitterTest, ABlockHasTheGivenNumberOfRecords) {
  EXPECT_THAT(split("1\n2\n3\n4\n5", records(2)), ElementsAre("1\n2\n", "3\n4\n", "5"));
  SplitOptions lines = records(2);
  lines.lines = 2;
  EXPECT_THAT(split("1\n2\n3\n4\n5\n", lines), ElementsAre("1\n2\n3\n4\n", "5\n"));
}

TEST_F(SplitterTest, ARecordMayHaveSeveralLines) {
  SplitOptions options = blocks_of(8);
  options.lines = 3;
  EXPECT_THAT(split("1\n2\n3\n4\n5\n6\n7\n", options), ElementsAre("1\n2\n3\n", "4\n5\n6\n", "7\n"));
}

TEST_F(SplitterTest, SplitsAtRecordStartsAndEnds) {
  SplitOptions options = records(1);
  options.start = ">";
  EXPECT_THAT(split(">a\nb\n>c\n>d", options), ElementsAre(">a\nb\n", ">c\n", ">d"));
  options.end = "";
  EXPECT_THAT(split(">a\nb\n>c\n>d", options), ElementsAre(">a\nb\n", ">c\n", ">d"));
  options.start = "";
  options.end = ";;";
  EXPECT_THAT(split("a;b;;c", options), ElementsAre("a;b;;", "c"));
  options.remove_separators = true;
  options.records = 2;
  EXPECT_THAT(split("a;;b;;c", options), ElementsAre("ab", "c"));
}

TEST_F(SplitterTest, SplitsAtRegularExpressions) {
  SplitOptions options = records(1);
  options.regexp = true;
  options.end = "[0-9]+";
  EXPECT_THAT(split("a1b22c", options), ElementsAre("a1", "b22", "c"));
  options.remove_separators = true;
  EXPECT_THAT(split("a1b22c", options), ElementsAre("a", "b", "c"));
  options.end = "(";
  EXPECT_THAT(split("a", options), ElementsAre(testing::HasSubstr("--recend")));
}

TEST_F(SplitterTest, TextBeforeTheFirstRecordIsABlockOfItsOwn) {
  SplitOptions options = records(2);
  options.regexp = true;
  options.start = ">";
  options.end = "";
  EXPECT_THAT(split("x>a>b>c", options), ElementsAre("x", ">a>b", ">c"));
}

TEST_F(SplitterTest, EveryBlockHasTheHeader) {
  SplitOptions options = records(2);
  options.header_lines = 1;
  EXPECT_THAT(split("h\n1\n2\n3\n", options), ElementsAre("[h\n]1\n2\n", "[h\n]3\n"));
}

TEST_F(SplitterTest, AQuotedNewlineEndsNoCsvRecord) {
  SplitOptions options = records(1);
  options.csv = true;
  EXPECT_THAT(split("a,\"b\nc\"\nd\n", options), ElementsAre("a,\"b\nc\"\n", "d\n"));
  SplitOptions by_size = blocks_of(8);
  by_size.csv = true;
  EXPECT_THAT(split("a\n\"b\nc\nd\"\n", by_size), ElementsAre("a\n", "\"b\nc\nd\"\n"));
}

TEST_F(SplitterTest, BlocksStayIntactWhileOthersAreRead) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += std::to_string(i * 7919) + "\n";
  EXPECT_TRUE(os::write_file(path_, text).has_value());
  const os::Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  RecordSplitter splitter(file.get(), blocks_of(10000));
  std::string together;
  std::vector<Block> kept;
  for (Block block; *splitter.next(block) == Pull::kValue;) {
    EXPECT_LE(block.data().size(), 10000u);
    kept.push_back(std::move(block));
    if (kept.size() < 7) continue;
    for (const Block& old : kept) together += old.data();
    kept.clear();
  }
  for (const Block& old : kept) together += old.data();
  EXPECT_EQ(together, text);
}

TEST_F(SplitterTest, PartsOfAFileEndWithARecord) {
  EXPECT_THAT(parts("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", blocks_of(6)),
              ElementsAre("1\n2\n3\n4\n", "5\n6\n7\n8\n", "9\n10\n"));
  EXPECT_THAT(parts("", blocks_of(6)), ElementsAre());
  SplitOptions header = blocks_of(3);
  header.header_lines = 1;
  EXPECT_THAT(parts("h\n1\n2\n3\n", header), ElementsAre("[h\n]", "1\n2\n", "3\n"));
}

TEST_F(SplitterTest, APartMayBeMuchLargerThanItsIntendedSize) {
  const std::string record(300000, 'x');
  EXPECT_THAT(parts(record + "\n" + record + "\n1", blocks_of(10)),
              ElementsAre(record + "\n", record + "\n", "1"));
}

TEST_F(SplitterTest, AStreamHasNoParts) {
  const auto parts = split_file("/dev/null", {});
  ASSERT_FALSE(parts.has_value());
  EXPECT_THAT(parts.error().hint, testing::HasSubstr("--pipe"));
}

}  // namespace
}  // namespace furrow::command
