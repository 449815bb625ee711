// The second file of a store: what it says after a cut, and that no damage to it or to the database goes unnoticed.
#include "store/run_journal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <random>

#include "base/hash.hpp"
#include "os/files/files.hpp"
#include "store/store.hpp"

namespace furrow::store {
namespace {

class RunJournalTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(root_), nullptr); }
  void TearDown() override { (void)os::remove_tree(root_); }
  std::string folder() const { return std::string(root_) + "/.furrow"; }
  std::string path() const { return std::string(root_) + "/journal"; }
  RunJournal open() { return std::move(*RunJournal::open(path(), RunJournal::read(path()))); }
  std::unique_ptr<Store> open_store() {
    auto store = Store::open_alone(folder(), 0);
    EXPECT_TRUE(store) << store.error().to_string();
    return store ? std::move(*store) : nullptr;
  }
  char root_[32] = "/tmp/furrow-journal-XXXXXX";
};

const std::vector<std::uint64_t> kKeys{hash64("a"), hash64("b")};

JobRecord record_of(int number) {
  JobRecord record;
  record.key = "out/" + std::to_string(number);
  record.phase = JobPhase::kFinished;
  record.rule = "make";
  record.outputs = {{record.key, number, number, 2}};
  record.command = std::string(40, 'c');
  return record;
}

bool put(Store& store, int first, int end) {
  bool ok = true;
  for (int i = first; i < end; ++i) {
    ok = ok && store.begin() && store.put(record_of(i)) && store.commit();
  }
  return ok;
}

TEST_F(RunJournalTest, AnOpenRunOfThisBootIsNoDoubt) {
  ASSERT_TRUE(open().begin(3, 2, kKeys, false, nullptr));
  const JournalState state = RunJournal::read(path());
  EXPECT_TRUE(state.is_open);
  EXPECT_FALSE(state.doubt.exists());
  EXPECT_TRUE(state.is_planned("a"));
  EXPECT_FALSE(state.is_planned("c"));
  EXPECT_EQ(state.commits, 3);
  EXPECT_EQ(state.rows, 2);
}

TEST_F(RunJournalTest, AnOpenRunOfAnotherBootIsInDoubtUpToItsLastPoint) {
  RunJournal journal = open();
  ASSERT_TRUE(journal.begin(3, 2, kKeys, false, nullptr, "another boot"));
  RunJournal::add_point(journal.fd(), 7);
  RunJournal::add_point(journal.fd(), 5);
  const JournalState state = RunJournal::read(path());
  EXPECT_FALSE(state.is_open);
  EXPECT_TRUE(state.is_stale);
  EXPECT_EQ(state.doubt.from, 7);
  EXPECT_TRUE(state.doubt.has("b"));
  EXPECT_FALSE(state.doubt.has("c"));
}

TEST_F(RunJournalTest, AnUnknownBootCountsAsAnother) {
  ASSERT_TRUE(open().begin(0, 0, kKeys, true, nullptr, "-"));
  EXPECT_TRUE(RunJournal::read(path()).doubt.has("anything"));
}

TEST_F(RunJournalTest, DoubtIsKeptByTheNextRunAndItsEnd) {
  const Doubt doubt{false, kKeys, 4, 9};
  RunJournal journal = open();
  ASSERT_TRUE(journal.begin(9, 2, {hash64("c")}, false, &doubt));
  JournalState state = RunJournal::read(path());
  EXPECT_TRUE(state.is_open);
  EXPECT_TRUE(state.is_planned("c"));
  EXPECT_EQ(state.doubt.keys.size(), 2u);
  EXPECT_EQ(state.doubt.from, 4);
  EXPECT_EQ(state.doubt.to, 9);
  ASSERT_TRUE(journal.close(12, 3, doubt));
  state = RunJournal::read(path());
  EXPECT_FALSE(state.is_open);
  EXPECT_TRUE(state.doubt.has("a"));
  EXPECT_EQ(state.commits, 12);
  ASSERT_TRUE(journal.close(12, 3, {}));
  EXPECT_FALSE(RunJournal::read(path()).doubt.exists());
}

TEST_F(RunJournalTest, ATornEndIsIgnoredAndRemoved) {
  ASSERT_TRUE(open().begin(3, 2, kKeys, false, nullptr));
  const std::string whole = os::read_file(path()).value();
  RunJournal::add_point(open().fd(), 5);
  const std::string longer = os::read_file(path()).value();
  for (std::size_t size = whole.size() + 1; size < longer.size(); ++size) {
    ASSERT_TRUE(os::write_file(path(), longer.substr(0, size)));
    EXPECT_FALSE(RunJournal::read(path()).doubt.exists()) << size;
    RunJournal::add_point(open().fd(), 6);
    EXPECT_EQ(RunJournal::read(path()).commits, 6) << size;
  }
}

TEST_F(RunJournalTest, DamageInTheMiddlePutsEverythingInDoubt) {
  RunJournal journal = open();
  ASSERT_TRUE(journal.begin(3, 2, kKeys, false, nullptr));
  for (int i = 4; i < 8; ++i) RunJournal::add_point(journal.fd(), i);
  const std::string whole = os::read_file(path()).value();
  for (std::size_t at = 0; at + 24 < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] ^= 0x10;
    ASSERT_TRUE(os::write_file(path(), flipped));
    EXPECT_TRUE(RunJournal::read(path()).doubt.has("anything")) << at;
  }
}

// ---- the database beside it

TEST_F(RunJournalTest, ALostLogIsNoticed) {
  {
    auto store = open_store();
    ASSERT_TRUE(store->expect({"out/1"}));
    ASSERT_TRUE(put(*store, 0, 5));
    ASSERT_TRUE(store->close_cleanly());
  }
  {
    auto store = open_store();
    ASSERT_TRUE(put(*store, 5, 10));
    RunJournal journal =
        std::move(*RunJournal::open(folder() + "/journal", RunJournal::read(folder() + "/journal")));
    RunJournal::add_point(journal.fd(), 10);
    ASSERT_TRUE(os::write_file(folder() + "/copy", os::read_file(folder() + "/furrow.db").value()));
  }
  ASSERT_TRUE(os::remove_tree(folder() + "/furrow.db-wal"));
  ASSERT_TRUE(os::write_file(folder() + "/furrow.db", os::read_file(folder() + "/copy").value()));
  auto store = open_store();
  ASSERT_TRUE(store->count_records());
  EXPECT_TRUE(store->has_lost_records());
  ASSERT_TRUE(put(*store, 20, 40));
  ASSERT_TRUE(store->close_cleanly());
  store.reset();
  EXPECT_TRUE(open_store()->has_lost_records()) << "the store has forgotten it";
}

TEST_F(RunJournalTest, ALostRecordIsNoticed) {
  {
    auto store = open_store();
    ASSERT_TRUE(put(*store, 0, 50));
    ASSERT_TRUE(store->close_cleanly());
  }
  {
    auto store = open_store();
    ASSERT_TRUE(store->for_each([](JobRow&) {}));
    EXPECT_FALSE(store->has_lost_records());
    ASSERT_TRUE(store->begin());
    ASSERT_TRUE(store->erase("out/7"));
    ASSERT_TRUE(store->commit());
  }
  auto store = open_store();
  ASSERT_TRUE(store->for_each([](JobRow&) {}));
  EXPECT_TRUE(store->has_lost_records());
}

// Wherever a bit of the database flips: each record is as it was, or the damage is seen.
TEST_F(RunJournalTest, AnErasedRecordIsNotMissed) {
  {
    auto store = open_store();
    ASSERT_TRUE(put(*store, 0, 8));
    ASSERT_TRUE(store->close_cleanly());
  }
  {
    auto store = open_store();
    ASSERT_TRUE(store->begin());
    ASSERT_TRUE(store->erase("out/7"));  // of the last commit
    ASSERT_TRUE(store->commit());
    ASSERT_TRUE(store->close_cleanly());
  }
  auto store = open_store();
  ASSERT_TRUE(store->count_records());
  EXPECT_FALSE(store->has_lost_records());
}

TEST_F(RunJournalTest, NoFlippedBitGoesUnnoticed) {
  {
    auto store = open_store();
    ASSERT_TRUE(put(*store, 0, 60));
    ASSERT_TRUE(store->close_cleanly());
  }
  const std::string whole = os::read_file(folder() + "/furrow.db").value();
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  int noticed = 0;
  for (int round = 0; round < 300; ++round) {
    std::string flipped = whole;
    const std::size_t at = random() % flipped.size();
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << random() % 8));
    ASSERT_TRUE(os::write_file(folder() + "/furrow.db", flipped));
    auto store = Store::open_readonly(folder());
    std::map<std::string, std::int64_t> sizes;
    bool is_seen = !store;
    if (store) {
      const auto read = (*store)->for_each([&](JobRow& row) {
        if (!row.is_damaged && row.phase == JobPhase::kFinished && row.outputs.next())
          sizes[std::string(row.key)] = row.outputs.stamp().size;
      });
      is_seen = !read || (*store)->has_lost_records();
    }
    noticed += is_seen;
    if (is_seen) continue;
    for (int i = 0; i < 60; ++i)
      EXPECT_EQ(sizes["out/" + std::to_string(i)], i) << "seed " << seed << ", byte " << at;
  }
  EXPECT_GT(noticed, 0);
}

}  // namespace
}  // namespace furrow::store
