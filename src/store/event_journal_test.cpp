#include "store/event_journal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "os/files/files.hpp"
#include "store/blocks.hpp"

namespace furrow::store {
namespace {

// Writes what it is told as lines.
class Lines final : public RunEvents {
 public:
  std::vector<std::string> lines;
  void on_run(const RunFacts& facts) override {
    add("run " + facts.run + " " + facts.user + " " + std::to_string(facts.cores));
  }
  void on_workflow(std::string_view facts) override { add("workflow " + std::string(facts)); }
  void on_plan(const std::vector<RulePlan>& rules) override {
    for (const RulePlan& rule : rules)
      add("plan " + rule.rule + " " + std::to_string(rule.due) + " " + std::to_string(rule.up_to_date));
  }
  void on_total(std::uint64_t due) override { add("total " + std::to_string(due)); }
  void on_start(const JobStart& start) override {
    add("start " + std::to_string(start.job) + " " + std::string(start.rule) + " " +
        std::string(start.reason) + " " + std::string(start.wildcards) + " " + std::string(start.key) + " " +
        std::string(start.logs));
  }
  void on_place(const JobPlace& place) override {
    add("place " + std::to_string(place.job) + " " + std::string(place.host));
  }
  void on_end(const JobEnd& end) override {
    add("end " + std::to_string(end.job) + " " + std::to_string(static_cast<int>(end.state)) + " " +
        std::to_string(end.status) + " " + std::string(end.error) + "|" + std::string(end.output));
  }
  void on_skipped(std::uint64_t jobs) override { add("skipped " + std::to_string(jobs)); }
  void on_stopping(int signal, double) override { add("stopping " + std::to_string(signal)); }
  void on_finish(int code, double) override { add("finish " + std::to_string(code)); }

 private:
  void add(std::string line) { lines.push_back(std::move(line)); }
};

class EventJournalTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(folder_), nullptr); }
  void TearDown() override { (void)os::remove_tree(folder_); }
  std::unique_ptr<EventJournalWriter> create(const std::string& run, double began_at = 1.8e9) {
    auto writer =
        EventJournalWriter::create(folder_, {.run = run, .user = "ann", .began_at = began_at, .cores = 4});
    EXPECT_TRUE(writer) << writer.error().to_string();
    return writer ? std::move(*writer) : nullptr;
  }
  std::string path() const { return journaled_runs(folder_).back().path; }
  void append(const std::string& text) const {
    const int fd = ::open(path().c_str(), O_WRONLY | O_APPEND);
    ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(fd);
  }
  char folder_[32] = "/tmp/furrow-events-XXXXXX";
};

JobStart start_of(std::uint32_t job) {
  return {.job = job, .rule = "count", .reason = "forced", .wildcards = "s=\xff", .key = "a", .logs = "x\ny"};
}

TEST_F(EventJournalTest, SaysOnWhichMachineAJobHasBegun) {
  const auto writer = create("r1");
  writer->on_start(start_of(7));
  writer->on_place({.job = 7, .host = "node1"});
  writer->on_place({.job = 8, .host = "node1"});
  writer->write();
  Lines events;
  ASSERT_TRUE(EventJournalReader(path()).read(events));
  ASSERT_EQ(events.lines.size(), 4u);
  EXPECT_EQ(events.lines[2], "place 7 node1");
  EXPECT_EQ(events.lines[3], "place 8 node1");
}

TEST_F(EventJournalTest, HandsOverEveryEventInItsOrder) {
  const auto writer = create("r1");
  writer->on_plan({{"count", 2, 1}, {"all", 1, 0}});
  writer->on_workflow("{}");
  writer->on_total(3);
  writer->on_start(start_of(7));
  writer->on_end({.job = 7, .state = JobEnd::State::kFailed, .status = 3, .error = "no", .output = "end"});
  writer->on_skipped(2);
  writer->on_stopping(15, 5);
  writer->on_finish(1, 6);
  writer->write();
  Lines seen;
  ASSERT_TRUE(EventJournalReader(path()).read(seen));
  const std::vector<std::string> expected = {"run r1 ann 4",     "plan count 2 1",
                                             "plan all 1 0",     "workflow {}",
                                             "total 3",          "start 7 count forced s=\xff a x\ny",
                                             "end 7 1 3 no|end", "skipped 2",
                                             "stopping 15",      "finish 1"};
  EXPECT_EQ(seen.lines, expected);
}

TEST_F(EventJournalTest, IsReadWhileItGrows) {
  const auto writer = create("r1");
  EventJournalReader reader(path());
  Lines seen;
  ASSERT_TRUE(reader.read(seen));
  writer->on_start(start_of(1));
  ASSERT_TRUE(reader.read(seen));
  EXPECT_EQ(seen.lines.size(), 1u);  // nothing is written before it is asked to
  writer->write();
  ASSERT_TRUE(reader.read(seen));
  writer->on_start(start_of(2));  // its texts are known to the reader
  writer->write();
  ASSERT_TRUE(reader.read(seen));
  EXPECT_EQ(seen.lines.back(), "start 2 count forced s=\xff a x\ny");
  EXPECT_EQ(seen.lines.size(), 3u);
}

TEST_F(EventJournalTest, ABlockThatIsBeingWrittenIsReadOnceItIsWhole) {
  const auto writer = create("r1");
  std::string block;
  append_block(block, 9, "of a later program");
  EventJournalReader reader(path());
  Lines seen;
  append(block.substr(0, 10));
  ASSERT_TRUE(reader.read(seen));
  append(block.substr(10));
  writer->on_finish(0, 1);
  writer->write();
  ASSERT_TRUE(reader.read(seen));
  EXPECT_EQ(seen.lines.back(), "finish 0");
}

TEST_F(EventJournalTest, DamageIsNoticed) {
  const auto writer = create("r1");
  append("nonsense");
  writer->on_finish(0, 1);
  writer->write();
  Lines seen;
  const auto read = EventJournalReader(path()).read(seen);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("damaged"), std::string::npos);
}

TEST_F(EventJournalTest, AJournalOfALaterVersionIsRefused) {
  create("r1");
  std::string block;
  append_block(block, 1, std::string("\x63\0\0\0", 4));
  ASSERT_TRUE(os::write_file(path(), block));
  Lines seen;
  const auto read = EventJournalReader(path()).read(seen);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("newer furrow"), std::string::npos);
}

TEST_F(EventJournalTest, JournalsOfOldRunsGo) {
  for (int i = 0; i < 30; ++i) create("r" + std::to_string(i), 1.8e9 + i * 100);
  const auto runs = journaled_runs(folder_);
  EXPECT_LE(runs.size(), 21u);
  EXPECT_EQ(runs.back().run, "r29");
  EXPECT_FALSE(runs.back().may_live);  // it has no lock
}

}  // namespace
}  // namespace furrow::store
