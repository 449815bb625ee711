// Several engines in one folder: which files they may lock, and what becomes of the records of those without the database.
#include "store/engines.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <set>
#include <tuple>

#include "base/hash.hpp"
#include "os/files/files.hpp"
#include "store/record_bytes.hpp"
#include "store/run_journal.hpp"
#include "store/store.hpp"

namespace furrow::store {
namespace {

class EnginesTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(root_), nullptr); }
  void TearDown() override {
    ::unsetenv(OuterJob::kVariable);
    (void)os::remove_tree(root_);
  }
  std::string folder() const { return std::string(root_) + "/.furrow"; }
  std::string journal(const std::string& run) const { return folder() + "/engines/" + run + ".journal"; }
  std::unique_ptr<Store> open(const std::string& run) {
    auto store = Store::open(folder(), 0, run);
    EXPECT_TRUE(store) << store.error().to_string();
    return store ? std::move(*store) : nullptr;
  }
  std::set<std::string> left() {
    std::set<std::string> names;
    const auto entries = os::list_directory(folder() + "/engines");
    for (const auto& entry : *entries) names.insert(entry.name);
    names.erase("turn");
    names.erase("number");
    return names;
  }
  char root_[32] = "/tmp/furrow-engines-XXXXXX";
};

FilesToLock makes(std::string_view output, std::string_view input = {}) {
  FilesToLock files;
  files.outputs.push_back({output, output, false});
  if (!input.empty()) files.inputs.push_back(input);
  return files;
}

FilesToLock makes_folder(std::string_view output) {
  FilesToLock files = makes(output);
  files.outputs.front().is_folder = true;
  return files;
}

FilesToLock reads(std::string_view input) {
  FilesToLock files;
  files.inputs.push_back(input);
  return files;
}

bool may_lock(Store& store, const FilesToLock& files) {
  const auto locked = store.lock_files(files);
  return locked && *locked == Locking::kLocked;
}

JobRecord record_of(const std::string& key, const std::string& command = "make it") {
  JobRecord record;
  record.key = key;
  record.phase = JobPhase::kFinished;
  record.rule = "rule";
  record.wildcards = "n=1";
  record.inputs = {{"in", 1, 2, 3}};
  record.outputs = {{key, 4, 5, 6}};
  record.params_hash = 7;
  record.code_hash = 8;
  record.param_hashes = {9, 10};
  record.environment = "conda x";
  record.params = "x=1";
  record.command = command;
  record.host = "here";
  record.started_at = 1.5;
  record.finished_at = 2.5;
  record.status = -1;
  record.signal = 9;
  record.attempt = 2;
  record.threads = 3;
  record.user_s = 0.5;
  record.system_s = 0.25;
  record.max_rss_kb = 1 << 20;
  return record;
}

bool put(Store& store, const JobRecord& record) {
  return store.begin() && store.put(record) && store.commit();
}

std::string command_of(Store& store, const std::string& key) {
  const auto found = store.find(key);
  return found && *found ? (*found)->command : "(none)";
}

// ---- locks of files

TEST_F(EnginesTest, LockWhatTheyWriteAgainstWritersAndReaders) {
  const auto first = open("1"), second = open("2");
  EXPECT_TRUE(first->has_database());
  EXPECT_FALSE(second->has_database());
  ASSERT_TRUE(may_lock(*first, makes("a", "source")));
  EXPECT_FALSE(may_lock(*second, makes("a")));
  EXPECT_FALSE(may_lock(*second, makes("b", "a")));
  EXPECT_FALSE(may_lock(*second, makes("source")));
  EXPECT_FALSE(may_lock(*second, makes("./a")));
  EXPECT_FALSE(may_lock(*second, makes(os::current_directory() + "/a")));
  EXPECT_TRUE(may_lock(*second, makes("b", "source")));
  const auto refused = first->lock_files(makes("b"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("b is in use by another furrow run (pid "), std::string::npos);
}

TEST_F(EnginesTest, LockMoreAsTheirGraphsGrow) {
  const auto first = open("1"), second = open("2");
  ASSERT_TRUE(may_lock(*first, makes("a")));
  ASSERT_TRUE(may_lock(*second, makes("b")));
  EXPECT_TRUE(may_lock(*first, makes("c")));
  EXPECT_FALSE(may_lock(*second, makes("c")));
  EXPECT_FALSE(may_lock(*second, makes("a")));
  EXPECT_FALSE(may_lock(*first, reads("b")));
}

TEST_F(EnginesTest, LockFoldersWithWhatIsInThem) {
  const auto first = open("1"), second = open("2");
  ASSERT_TRUE(may_lock(*first, makes_folder("made")));
  ASSERT_TRUE(may_lock(*first, makes("x/y/z")));
  EXPECT_FALSE(may_lock(*second, makes("made/a/b")));
  EXPECT_FALSE(may_lock(*second, reads("made/a")));
  EXPECT_FALSE(may_lock(*second, makes_folder("x")));
  EXPECT_FALSE(may_lock(*second, makes_folder("x/y")));
  EXPECT_TRUE(may_lock(*second, makes("made2/a")));
  EXPECT_TRUE(may_lock(*second, makes("x/y/other")));
}

TEST_F(EnginesTest, AreRefusedNextToOneThatDoesNotKnowItsFiles) {
  const auto first = open("1");
  ASSERT_TRUE(may_lock(*first, makes("a")));
  EXPECT_FALSE(Store::open_alone(folder(), 0));
  first->close_cleanly();
  const auto alone = Store::open_alone(folder(), 0);
  ASSERT_TRUE(alone);
  const auto second = open("2");
  EXPECT_FALSE(may_lock(*second, makes("b")));
}

TEST_F(EnginesTest, PlanAgainIfAnotherHasEndedMeanwhileThatHadTheFile) {
  auto first = open("1");
  const auto second = open("2"), third = open("3");
  ASSERT_TRUE(may_lock(*first, makes("a")));
  ASSERT_TRUE(first->close_cleanly());
  const auto stale = second->lock_files(makes("b", "a"));
  ASSERT_TRUE(stale);
  EXPECT_EQ(*stale, Locking::kStale);
  EXPECT_TRUE(may_lock(*second, makes("c")));
  EXPECT_EQ(*third->lock_files(makes("a")), Locking::kStale);
  EXPECT_TRUE(may_lock(*open("4"), makes("a")));
}

TEST_F(EnginesTest, CleanUpBehindThemselves) {
  auto first = open("1"), second = open("2");
  ASSERT_TRUE(may_lock(*first, makes("a")));
  ASSERT_TRUE(may_lock(*second, makes("b")));
  ASSERT_TRUE(first->close_cleanly());
  ASSERT_TRUE(second->close_cleanly());
  ASSERT_TRUE(open("3")->close_cleanly());
  EXPECT_EQ(left(), std::set<std::string>());
}

TEST_F(EnginesTest, ADamagedListOfFilesLocksAll) {
  const auto first = open("1"), second = open("2");
  ASSERT_TRUE(may_lock(*first, makes("a")));
  std::string text = *os::read_file(folder() + "/engines/1.files");
  text[30] = static_cast<char>(text[30] ^ 1);
  ASSERT_TRUE(os::write_file(folder() + "/engines/1.files", text));
  EXPECT_FALSE(may_lock(*second, makes("b")));
}

TEST_F(EnginesTest, WithinAJobMayWriteItsOutputsAndReadItsInputs) {
  const auto outer = open("1");
  FilesToLock files = makes("a", "in");
  files.outputs.push_back({"a2", "a", false});
  files.outputs.push_back({"b", "b", false});
  files.outputs.push_back({"in", "in", false});
  ASSERT_TRUE(may_lock(*outer, files));
  JobRecord started = record_of("a");
  started.phase = JobPhase::kStarted;
  ASSERT_TRUE(put(*outer, started));
  ::setenv(OuterJob::kVariable, OuterJob::variable_for("1", "a").c_str(), 1);
  auto inner = open("2");
  EXPECT_TRUE(may_lock(*inner, makes("a", "in")));
  EXPECT_TRUE(may_lock(*inner, makes("a2")));
  EXPECT_FALSE(may_lock(*inner, makes("b")));
  EXPECT_FALSE(may_lock(*inner, makes("in")));
  EXPECT_FALSE(may_lock(*inner, reads("b")));
  // The record of that job is its own engine's.
  ASSERT_TRUE(put(*inner, record_of("a", "inner")));
  ASSERT_TRUE(put(*inner, record_of("c", "inner")));
  ASSERT_TRUE(inner->close_cleanly());
  const auto reader = Store::open_readonly(folder());
  EXPECT_EQ(command_of(**reader, "a"), "make it");
  EXPECT_EQ(command_of(**reader, "c"), "inner");
}

// ---- records

TEST_F(EnginesTest, WithoutTheDatabaseKeepTheirRecordsInJournals) {
  auto first = open("1"), second = open("2");
  ASSERT_TRUE(second->expect({"b"}));
  ASSERT_TRUE(put(*second, record_of("b")));
  ASSERT_TRUE(put(*first, record_of("a")));
  EXPECT_EQ(command_of(*second, "b"), "make it");
  const auto third = open("3");
  EXPECT_EQ(command_of(*third, "a"), "make it");
  EXPECT_EQ(command_of(*third, "b"), "make it");
  ASSERT_TRUE(second->close_cleanly());
  EXPECT_EQ(os::status(journal("2")).exists(), true) << "the first has the database";
  ASSERT_TRUE(first->close_cleanly());
  EXPECT_FALSE(os::status(journal("2")).exists());
  auto later = open("4");
  ASSERT_TRUE(later->has_database());
  const auto found = later->find("b");
  ASSERT_TRUE(found && *found);
  const JobRecord wanted = record_of("b");
  const JobRecord& b = **found;
  EXPECT_EQ(std::tie(b.phase, b.rule, b.wildcards, b.params_hash, b.code_hash, b.param_hashes, b.environment,
                     b.params, b.host),
            std::tie(wanted.phase, wanted.rule, wanted.wildcards, wanted.params_hash, wanted.code_hash,
                     wanted.param_hashes, wanted.environment, wanted.params, wanted.host));
  EXPECT_EQ(std::tie(b.started_at, b.finished_at, b.status, b.signal, b.attempt, b.threads, b.user_s,
                     b.system_s, b.max_rss_kb),
            std::tie(wanted.started_at, wanted.finished_at, wanted.status, wanted.signal, wanted.attempt,
                     wanted.threads, wanted.user_s, wanted.system_s, wanted.max_rss_kb));
  ASSERT_EQ(b.inputs.size(), 1u);
  EXPECT_EQ(b.inputs[0].content, 3u);
  EXPECT_EQ(b.outputs[0].size, 5);
  EXPECT_FALSE(later->has_lost_records());
}

TEST_F(EnginesTest, MergeTheirOwnJournalIfTheDatabaseIsFree) {
  auto first = open("1"), second = open("2");
  ASSERT_TRUE(put(*second, record_of("b")));
  ASSERT_TRUE(first->close_cleanly());
  ASSERT_TRUE(second->close_cleanly());
  EXPECT_FALSE(os::status(journal("2")).exists());
  EXPECT_EQ(command_of(**Store::open_readonly(folder()), "b"), "make it");
}

TEST_F(EnginesTest, OfTwoRecordsTheLaterLocked) {
  auto first = open("1"), second = open("2");
  ASSERT_TRUE(may_lock(*second, makes("x")));
  ASSERT_TRUE(put(*second, record_of("b", "old")));
  ASSERT_TRUE(second->close_cleanly());
  auto third = open("3"), another = open("0");
  EXPECT_EQ(command_of(*third, "b"), "old");
  ASSERT_TRUE(may_lock(*another, makes("y")));
  ASSERT_TRUE(may_lock(*third, makes("b")));
  ASSERT_TRUE(put(*another, record_of("y")));
  ASSERT_TRUE(put(*third, record_of("b", "new")));
  ASSERT_TRUE(third->close_cleanly());
  ASSERT_TRUE(another->close_cleanly());
  EXPECT_EQ(command_of(**Store::open_readonly(folder()), "b"), "new");
  ASSERT_TRUE(first->close_cleanly());
  EXPECT_EQ(command_of(*open("4"), "b"), "new");
}

TEST_F(EnginesTest, EraseAlsoByJournal) {
  ASSERT_TRUE(put(*open("0"), record_of("a")));
  auto first = open("1"), second = open("2");
  ASSERT_TRUE(second->begin() && second->erase("a") && second->commit());
  ASSERT_TRUE(second->close_cleanly());
  ASSERT_TRUE(first->close_cleanly());
  const auto later = open("3");
  EXPECT_EQ(command_of(*later, "a"), "(none)");
  EXPECT_TRUE(later->count_records());
  EXPECT_FALSE(later->has_lost_records());
}

// A process that is killed: its store is not closed.
TEST_F(EnginesTest, ReadAJournalUpToItsTornEnd) {
  auto first = open("1");
  std::string text;
  {
    const auto second = open("2");
    ASSERT_TRUE(put(*second, record_of("a", "before")));
    ASSERT_TRUE(put(*second, record_of("a", "after")));
    text = *os::read_file(journal("2"));
  }
  for (std::size_t cut = 1; cut < 200; cut += 7) {
    ASSERT_TRUE(os::write_file(journal("2"), std::string_view(text).substr(0, text.size() - cut)));
    EXPECT_EQ(command_of(**Store::open_readonly(folder()), "a"), "before") << cut;
  }
  ASSERT_TRUE(first->close_cleanly());
  EXPECT_EQ(command_of(*open("3"), "a"), "before");
}

TEST_F(EnginesTest, RefuseRecordsOfALaterVersion) {
  open("0");
  {
    auto later = RunJournal::open(journal("1"), {});
    ASSERT_TRUE(later);
    ASSERT_TRUE(later->begin(0, 0, {}, false, nullptr));
    std::string bytes;
    append_record(bytes, record_of("a"));
    bytes[1] = 4;  // an unknown phase
    ASSERT_TRUE(later->add_commit(1, 1, bytes));
  }
  const auto store = Store::open(folder(), 0, "2");
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().to_string().find("newer furrow"), std::string::npos) << store.error().to_string();
  EXPECT_TRUE(os::status(journal("1")).exists());
}

TEST_F(EnginesTest, ADamagedJournalPutsAllInDoubt) {
  auto first = open("1");
  std::string text;
  {
    const auto second = open("2");
    ASSERT_TRUE(put(*second, record_of("a")));
    ASSERT_TRUE(put(*second, record_of("b")));
    text = *os::read_file(journal("2"));
  }
  text[100] = static_cast<char>(text[100] ^ 4);
  ASSERT_TRUE(os::write_file(journal("2"), text));
  ASSERT_TRUE(first->close_cleanly());
  const auto later = open("3");
  EXPECT_TRUE(later->has_doubts());
  EXPECT_TRUE(later->is_in_doubt("a", 0));
}

// What the journal of an engine says that another boot has ended.
void write_journal_of_another_boot(const std::string& path) {
  auto journal = RunJournal::open(path, {});
  ASSERT_TRUE(journal);
  ASSERT_TRUE(journal->begin(0, 0, {hash64("a"), hash64("b"), hash64("c")}, false, nullptr, "another boot"));
  std::string records;
  const auto add = [&](std::int64_t commit, const std::string& key) {
    std::string bytes;
    append_record(bytes, record_of(key));
    ASSERT_TRUE(journal->add_commit(commit, 1, bytes));
  };
  add(1, "a");
  RunJournal::add_point(journal->fd(), 1);
  add(2, "b");
}

TEST_F(EnginesTest, AfterAnotherBootBelieveAJournalUpToItsLastPoint) {
  ASSERT_TRUE(put(*open("0"), record_of("old")));
  write_journal_of_another_boot(journal("1"));
  for (int i = 0; i < 3; ++i) {
    const auto store = open("2");  // the first merges, the others find what it has left
    const auto a = store->find("a"), b = store->find("b"), old = store->find("old");
    ASSERT_TRUE(a && *a && b && *b && old && *old);
    EXPECT_FALSE(store->is_in_doubt("old", (*old)->commit));
    EXPECT_TRUE(store->is_in_doubt("a", (*a)->commit));
    EXPECT_TRUE(store->was_durable((*a)->commit));
    EXPECT_TRUE(store->is_in_doubt("b", (*b)->commit));
    EXPECT_FALSE(store->was_durable((*b)->commit));
    EXPECT_TRUE(store->is_in_doubt("c", 0));
    EXPECT_FALSE(os::status(journal("1")).exists());
    ASSERT_TRUE(put(*store, record_of("new" + std::to_string(i))));
    EXPECT_FALSE(store->has_lost_records());
  }
}

TEST_F(EnginesTest, WhatAKilledEngineMeantToMakeIsKnown) {
  auto first = open("1");
  ASSERT_TRUE(open("2")->expect({"planned"}));
  first.reset();
  EXPECT_TRUE(open("3")->was_expected("planned"));
  EXPECT_TRUE(open("4")->was_expected("planned")) << "as long as it is not on the disk";
  EXPECT_TRUE(open("5")->has_killed_run_of({"more", "planned"}));
  EXPECT_FALSE(open("6")->has_killed_run_of({"more"}));
}

}  // namespace
}  // namespace furrow::store
