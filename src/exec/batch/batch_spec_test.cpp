#include "exec/batch/batch_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "exec/batch/batch_journal.hpp"
#include "exec/batch/batch_spool.hpp"
#include "exec/batch/checksummed_line.hpp"
#include "os/files/files.hpp"
#include "support/temporary_folder.hpp"

namespace furrow::exec {
namespace {

using ::testing::HasSubstr;

BatchSpec odd_batch() {
  BatchSpec batch{.id = "1",
                  .index = 2,
                  .group = "a group",
                  .directory = "/a b",
                  .cores = 4,
                  .memory_mb = 100,
                  .timeout_s = 0.5,
                  .jobs = {}};
  batch.evaluator = {"/usr/bin/python3", "/x", "{\"op\":\"load\"}"};
  BatchJob job{
      .key = "out/\xff\n\"a\"", .name = "one", .identity = 0xfedcba9876543210u, .attempt = 3, .launch = {}};
  job.launch.kind = plan::Launch::Kind::kShell;
  job.launch.command = std::string("echo \0 '\xc3'", 10);
  job.launch.environment = {{"A", "b=c"}, {"LINES", "1\n2"}};
  job.launch.removed = {"C", "D"};
  job.launch.nice = -3;
  batch.jobs.push_back(job);
  BatchJob next{.key = "next", .name = "two", .after = {0}, .launch = {}};
  next.files = {{"a", "b \""}, {"c"}, {"d"}, {"e", "f"}};
  next.launch.kind = plan::Launch::Kind::kProgram;
  next.launch.argv = {"a", "", "b c"};
  batch.jobs.push_back(next);
  return batch;
}

class BatchFiles : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return folder_.path() + "/" + name; }
  support::TemporaryFolder folder_;
};

TEST_F(BatchFiles, ABatchIsReadAsItWasWritten) {
  const BatchSpec written = odd_batch();
  ASSERT_TRUE(write_batch_spec(file("batch"), written));
  const auto read = read_batch_spec(file("batch"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->id, "1");
  EXPECT_EQ(read->index, 2u);
  EXPECT_EQ(read->directory, "/a b");
  EXPECT_EQ(read->timeout_s, 0.5);
  EXPECT_EQ(read->evaluator.load, written.evaluator.load);
  ASSERT_EQ(read->jobs.size(), 2u);
  EXPECT_EQ(read->jobs[0].key, written.jobs[0].key);
  EXPECT_EQ(read->jobs[0].identity, written.jobs[0].identity);
  EXPECT_EQ(read->jobs[0].attempt, 3);
  EXPECT_EQ(read->jobs[0].launch.command, written.jobs[0].launch.command);
  EXPECT_EQ(read->jobs[0].launch.environment, written.jobs[0].launch.environment);
  EXPECT_EQ(read->jobs[0].launch.removed, written.jobs[0].launch.removed);
  EXPECT_EQ(read->jobs[0].launch.nice, -3);
  EXPECT_EQ(read->jobs[1].launch.argv, written.jobs[1].launch.argv);
  EXPECT_EQ(read->jobs[1].after, std::vector<std::uint32_t>{0});
  EXPECT_EQ(read->group, "a group");
  EXPECT_EQ(read->jobs[1].files.files, written.jobs[1].files.files);
  EXPECT_EQ(read->jobs[1].files.folders, written.jobs[1].files.folders);
  EXPECT_EQ(read->jobs[1].files.touched, written.jobs[1].files.touched);
  EXPECT_EQ(read->jobs[1].files.temporary, written.jobs[1].files.temporary);
  EXPECT_TRUE(read->jobs[0].files.files.empty());
}

// A writer of a pipe, and its reader, which uses a service, too.
BatchSpec batch_with_gang() {
  BatchSpec batch = odd_batch();
  BatchJob service{.key = "socket", .name = "serve", .gang = 7, .launch = {}};
  service.files.services = {"socket"};
  BatchJob writer{.key = "p", .name = "write", .gang = 7, .launch = {}};
  writer.files.pipes = {"p", "a \"q\""};
  BatchJob reader{.key = "r", .name = "read", .after = {1}, .gang = 7, .uses = {2}, .launch = {}};
  for (const BatchJob& job : {service, writer, reader}) batch.jobs.push_back(job);
  return batch;
}

TEST_F(BatchFiles, JobsThatRunAtOnceAreReadAsTheyWereWritten) {
  ASSERT_TRUE(write_batch_spec(file("batch"), batch_with_gang()));
  const auto read = read_batch_spec(file("batch"));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->jobs.size(), 5u);
  EXPECT_EQ(read->jobs[0].gang, 0u);
  for (const std::size_t i : {2u, 3u, 4u}) EXPECT_EQ(read->jobs[i].gang, 7u) << i;
  EXPECT_EQ(read->jobs[2].files.services, std::vector<std::string>{"socket"});
  EXPECT_EQ(read->jobs[3].files.pipes, (std::vector<std::string>{"p", "a \"q\""}));
  EXPECT_TRUE(read->jobs[3].uses.empty());
  EXPECT_EQ(read->jobs[4].after, std::vector<std::uint32_t>{1});
  EXPECT_EQ(read->jobs[4].uses, std::vector<std::uint32_t>{2});
}

// An older runner would start such jobs one after the other, and each would wait for the next without end.
TEST_F(BatchFiles, OnlyBatchesWithJobsThatRunAtOnceHaveTheSecondFormat) {
  const auto format = [&](const BatchSpec& batch) {
    EXPECT_TRUE(write_batch_spec(file("batch"), batch));
    const std::string text = *os::read_file(file("batch"));
    return text.find(R"("furrow":"batch 2")") < text.find('\n')   ? 2
           : text.find(R"("furrow":"batch 1")") < text.find('\n') ? 1
                                                                  : 0;
  };
  EXPECT_EQ(format(odd_batch()), 1);
  EXPECT_EQ(format(batch_with_gang()), 2);
}

TEST_F(BatchFiles, AJobThatUsesALaterOneIsRefused) {
  BatchSpec batch = batch_with_gang();
  batch.jobs[3].uses = {4};
  ASSERT_TRUE(write_batch_spec(file("batch"), batch));
  const auto read = read_batch_spec(file("batch"));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("does not come before"));
}

TEST_F(BatchFiles, OnlyTheOwnerMayReadABatchAndTheUmaskDecidesAboutTheRest) {
  const mode_t before = ::umask(0002);
  const BatchFolder submission = *BatchSpool(file("batches")).add();
  ASSERT_TRUE(write_batch_spec(submission.spec(0), odd_batch()));
  ASSERT_TRUE(submission.mark_submitted("1", "Slurm"));
  ASSERT_TRUE(*submission.claim(0, "run 1"));
  ASSERT_TRUE(JournalWriter::create(submission.journal(0)));
  ::umask(before);
  const auto permissions = [](const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  };
  EXPECT_EQ(permissions(submission.spec(0)), 0600u);
  EXPECT_EQ(permissions(file("batches")), 0775u);
  EXPECT_EQ(permissions(submission.path()), 0775u);
  for (const char* name : {"/submitted", "/claim.0", "/journal.0"})
    EXPECT_EQ(permissions(submission.path() + name), 0664u) << name;
}

TEST_F(BatchFiles, ADamagedOrIncompleteBatchIsRefused) {
  ASSERT_TRUE(write_batch_spec(file("batch"), odd_batch()));
  const std::string whole = *os::read_file(file("batch"));
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    ASSERT_TRUE(os::write_file(file("torn"), whole.substr(0, size)));
    EXPECT_FALSE(read_batch_spec(file("torn"))) << size;
  }
  for (std::size_t at = 0; at < whole.size(); at += 11) {
    std::string damaged = whole;
    damaged[at] ^= 1;
    ASSERT_TRUE(os::write_file(file("damaged"), damaged));
    EXPECT_FALSE(read_batch_spec(file("damaged"))) << at;
  }
}

TEST_F(BatchFiles, TheErrorNamesANewerFormat) {
  ASSERT_TRUE(os::write_file(file("batch"), checksummed_line(R"({"furrow":"batch 3","jobs":0})")));
  const auto read = read_batch_spec(file("batch"));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("batch 3"));
}

TEST_F(BatchFiles, ReadsAJournalWhileItGrows) {
  JournalReader reader(file("journal"));
  EXPECT_TRUE(reader.read_on().empty());
  auto writer = JournalWriter::create(file("journal"));
  ASSERT_TRUE(writer);
  (*writer)->begin("1", 0, "77_3", 3);
  (*writer)->start(5);
  EXPECT_TRUE(reader.read_on().empty()) << "nothing was committed";
  ASSERT_TRUE((*writer)->commit());
  auto events = reader.read_on();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].job, "77_3");
  EXPECT_EQ(events[0].runner, 3u);
  EXPECT_FALSE(events[0].host.empty());
  EXPECT_EQ(events[1].index, 5u);
  plan::Exit exit{.status = -1, .signal = 9, .cancelled = true, .error = "e"};
  exit.started_at = 1764000000.123456;
  exit.usage.max_rss_kb = 7;
  const JobOutput output{.out = std::string(100'000, '\xfe'), .err = "err.0.5", .err_in_file = true};
  (*writer)->end(5, exit, output);
  (*writer)->over();
  ASSERT_TRUE((*writer)->commit());
  events = reader.read_on();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].output.out, output.out);
  EXPECT_EQ(events[0].output.err, "err.0.5");
  EXPECT_TRUE(events[0].output.err_in_file && !events[0].output.out_in_file);
  EXPECT_EQ(events[0].exit.signal, 9);
  EXPECT_TRUE(events[0].exit.cancelled);
  EXPECT_EQ(events[0].exit.started_at, exit.started_at);
  EXPECT_EQ(events[0].exit.usage.max_rss_kb, 7);
  EXPECT_EQ(events[1].kind, JournalEvent::Kind::kOver);
  EXPECT_TRUE(reader.read_on().empty());
  EXPECT_FALSE(JournalWriter::create(file("journal"))) << "only one runner may write it";
}

TEST_F(BatchFiles, ReadsAJournalLineOnceItIsComplete) {
  const std::string line = checksummed_line(R"({"start":1})");
  JournalReader reader(file("journal"));
  for (std::size_t size = 0; size < line.size(); ++size) {
    ASSERT_TRUE(os::write_file(file("journal"), line + line.substr(0, size)));
    EXPECT_EQ(reader.read_on().size(), size == 0 ? 1u : 0u);
  }
  ASSERT_TRUE(os::write_file(file("journal"), line + std::string(line.size(), '\0')));
  EXPECT_TRUE(reader.read_on().empty()) << "a network file system can show a hole";
  ASSERT_TRUE(os::write_file(file("journal"), line + line));
  EXPECT_EQ(reader.read_on().size(), 1u);
}

TEST_F(BatchFiles, ReadsALineOfSeveralMegabytes) {
  JournalReader reader(file("journal"));
  const std::string text(3'000'000, 'x');
  ASSERT_TRUE(os::write_file(file("journal"), checksummed_line(R"({"end":0,"out":")" + text + "\"}") +
                                                  checksummed_line(R"({"start":1})")));
  const auto events = reader.read_on();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].output.out.size(), text.size());
}

TEST_F(BatchFiles, OnlyTheFirstClaimSucceeds) {
  BatchSpool spool(file("spool"));
  const auto folder = spool.add();
  ASSERT_TRUE(folder);
  EXPECT_TRUE(*folder->claim(0, "run"));
  EXPECT_FALSE(*folder->claim(0, "withdrawn"));
  EXPECT_TRUE(*folder->claim(1, "withdrawn"));
}

TEST_F(BatchFiles, AFolderNamesRunnersAndUnclaimedBatches) {
  BatchSpool spool(file("spool"));
  const auto folder = spool.add();
  ASSERT_TRUE(folder);
  EXPECT_TRUE(folder->unclaimed().empty());
  for (const std::uint32_t index : {0u, 2u, 9u, 10u})
    ASSERT_TRUE(os::write_file(folder->spec(index), "never read here"));
  for (const char* other : {"/batch.x", "/batch.", "/batch.1x", "/batch.-1", "/batch.4294967296", "/script"})
    ASSERT_TRUE(os::write_file(folder->path() + other, ""));
  ASSERT_TRUE(*folder->claim(9, "run 77_3"));
  ASSERT_TRUE(*folder->claim(2, "withdrawn"));
  EXPECT_THAT(folder->unclaimed(), ::testing::ElementsAre(10u, 0u));
  EXPECT_EQ(folder->runs_in(9), "77_3");
  EXPECT_EQ(folder->runs_in(2), "");
  EXPECT_EQ(folder->runs_in(0), "");
  ASSERT_TRUE(os::write_file(folder->path() + "/claim.0", "run 77"));
  EXPECT_EQ(folder->runs_in(0), "") << "it is still being written";
}

TEST_F(BatchFiles, TheSpoolListsUnsettledFolders) {
  BatchSpool spool(file("spool"));
  EXPECT_TRUE(spool.unsettled().empty());
  const auto first = *spool.add(), second = *spool.add();
  ASSERT_TRUE(first.mark_submitted("123;cluster", "Slurm"));
  EXPECT_EQ(first.submitted("Slurm"), "123;cluster");
  EXPECT_EQ(first.submitted("another"), "");
  EXPECT_EQ(second.submitted("Slurm"), "");
  ASSERT_TRUE(first.settle());
  ASSERT_EQ(spool.unsettled().size(), 1u);
  EXPECT_EQ(spool.unsettled().front().id(), second.id());
  spool.tidy(0);
  EXPECT_FALSE(os::status(first.path()).exists());
  EXPECT_TRUE(os::status(second.path()).exists());
}

}  // namespace
}  // namespace furrow::exec
