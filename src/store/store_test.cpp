#include "store/store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>

#include "os/files/files.hpp"

namespace furrow::store {
namespace {

class StoreTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(folder_), nullptr); }
  void TearDown() override { (void)os::remove_tree(folder_); }
  std::string folder() const { return std::string(folder_) + "/.furrow"; }
  std::unique_ptr<Store> open() {
    auto store = Store::open_alone(folder(), 0);
    EXPECT_TRUE(store) << store.error().to_string();
    return store ? std::move(*store) : nullptr;
  }
  char folder_[32] = "/tmp/furrow-store-XXXXXX";
};

JobRecord sample_record(const std::string& key) {
  JobRecord record;
  record.key = key;
  record.phase = JobPhase::kFinished;
  record.rule = "count";
  record.wildcards = "sample=a";
  record.inputs = {{"texts/a.txt", 123, 456, 789}, {"texts/b.txt", 124, 457, 0}};
  record.outputs = {{key, 125, 458, 0xffffffffffffffffu}};
  record.params_hash = 0x8000000000000001u;
  record.param_hashes = {7, 0, 0x8000000000000002u};
  record.code_hash = 42;
  record.environment = "envmodules a";
  record.params = "x=1";
  record.command = "wc \xff texts/a.txt";
  record.host = "here";
  record.started_at = 1.5;
  record.finished_at = 2.25;
  record.status = -1;
  record.signal = 9;
  record.attempt = 3;
  record.threads = 4;
  record.user_s = 0.5;
  record.system_s = 0.25;
  record.max_rss_kb = 1 << 30;
  return record;
}

void put(Store& store, const JobRecord& record) {
  ASSERT_TRUE(store.begin());
  ASSERT_TRUE(store.put(record));
  ASSERT_TRUE(store.commit());
}

std::vector<std::string> keys_of(Store& store) {
  std::vector<std::string> keys;
  EXPECT_TRUE(store.for_each([&](JobRow& row) { keys.emplace_back(row.key); }));
  return keys;
}

void execute(const std::string& database, const char* sql) {
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(database.c_str(), &raw), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(raw, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
  sqlite3_close(raw);
}

TEST_F(StoreTest, RemembersEveryFieldOfARecord) {
  const JobRecord record = sample_record("out/\xff a.tsv");
  put(*open(), record);
  auto store = open();
  auto found = store->find(record.key);
  ASSERT_TRUE(found);
  ASSERT_TRUE(found->has_value());
  const JobRecord& back = **found;
  EXPECT_EQ(back.key, record.key);
  EXPECT_EQ(back.phase, record.phase);
  EXPECT_EQ(back.rule, record.rule);
  EXPECT_EQ(back.wildcards, record.wildcards);
  ASSERT_EQ(back.inputs.size(), 2u);
  EXPECT_EQ(back.inputs[1].path, "texts/b.txt");
  EXPECT_EQ(back.inputs[1].mtime_ns, 124);
  ASSERT_EQ(back.outputs.size(), 1u);
  EXPECT_EQ(back.outputs[0].content, 0xffffffffffffffffu);
  EXPECT_EQ(back.params_hash, record.params_hash);
  EXPECT_EQ(back.code_hash, record.code_hash);
  EXPECT_EQ(back.param_hashes, record.param_hashes);
  EXPECT_EQ(back.environment, record.environment);
  EXPECT_EQ(back.params, record.params);
  EXPECT_EQ(back.command, record.command);
  EXPECT_EQ(back.host, record.host);
  EXPECT_EQ(back.started_at, record.started_at);
  EXPECT_EQ(back.finished_at, record.finished_at);
  EXPECT_EQ(back.status, record.status);
  EXPECT_EQ(back.signal, record.signal);
  EXPECT_EQ(back.attempt, record.attempt);
  EXPECT_EQ(back.threads, record.threads);
  EXPECT_EQ(back.user_s, record.user_s);
  EXPECT_EQ(back.system_s, record.system_s);
  EXPECT_EQ(back.max_rss_kb, record.max_rss_kb);
}

TEST_F(StoreTest, ListsRowsInKeyOrderWithTheirFiles) {
  auto store = open();
  ASSERT_TRUE(store->begin());
  for (const char* key : {"b", "a", "\xff", "c"}) ASSERT_TRUE(store->put(sample_record(key)));
  ASSERT_TRUE(store->erase("c"));
  ASSERT_TRUE(store->commit());
  EXPECT_EQ(keys_of(*store), (std::vector<std::string>{"a", "b", "\xff"}));
  ASSERT_TRUE(store->for_each([](JobRow& row) {
    EXPECT_EQ(row.rule, "count");
    EXPECT_EQ(row.params_hash, 0x8000000000000001u);
    EXPECT_EQ(unpack_hashes(row.param_hashes), sample_record("").param_hashes);
    EXPECT_EQ(row.finished_at, 2.25);
    ASSERT_EQ(row.inputs.size(), 2u);
    ASSERT_TRUE(row.inputs.next());
    EXPECT_EQ(row.inputs.stamp().path, "texts/a.txt");
    ASSERT_TRUE(row.outputs.next());
    EXPECT_EQ(row.outputs.stamp().path, row.key);
    EXPECT_FALSE(row.outputs.next());
  }));
}

// What a store of version 1 looked like.
constexpr const char* kVersion1 = R"(
PRAGMA journal_mode = WAL;
CREATE TABLE job(
  key TEXT NOT NULL PRIMARY KEY, phase INTEGER NOT NULL, rule TEXT NOT NULL, params_hash INTEGER NOT NULL,
  code_hash INTEGER NOT NULL, started_at REAL NOT NULL, finished_at REAL NOT NULL, outputs BLOB NOT NULL, inputs BLOB NOT NULL,
  wildcards TEXT NOT NULL, status INTEGER NOT NULL, signal INTEGER NOT NULL, attempt INTEGER NOT NULL, threads INTEGER NOT NULL,
  user_s REAL NOT NULL, system_s REAL NOT NULL, max_rss_kb INTEGER NOT NULL, params TEXT NOT NULL, command TEXT NOT NULL,
  host TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE meta(name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES('clean', 1);
INSERT INTO job VALUES('b', 2, 'sort', 5, 6, 1.5, 2.5, x'', x'', 'x=b', 0, 0, 1, 4, 0.1, 0.2, 30, 'x, y=1', 'sort b', 'here');
INSERT INTO job VALUES('a', 2, 'sort', 7, 8, 1.5, 2.5, x'', x'', 'x=a', 0, 0, 1, 4, 0.1, 0.2, 30, 'x, y=2', 'sort a', 'here');
PRAGMA user_version = 1;
)";

TEST_F(StoreTest, ReadsAStoreOfVersion1) {
  ASSERT_TRUE(os::make_directories(folder()));
  execute(folder() + "/furrow.db", kVersion1);
  const auto before = os::read_file(folder() + "/furrow.db").value();
  auto reader = Store::open_readonly(folder());
  ASSERT_TRUE(reader);
  EXPECT_EQ(keys_of(**reader), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(os::read_file(folder() + "/furrow.db").value(), before);
}

TEST_F(StoreTest, ConvertsAStoreOfVersion1) {
  ASSERT_TRUE(os::make_directories(folder()));
  execute(folder() + "/furrow.db", kVersion1);
  put(*open(), sample_record("c"));
  auto store = open();
  EXPECT_EQ(keys_of(*store), (std::vector<std::string>{"a", "b", "c"}));
  const JobRecord old = **store->find("a");
  EXPECT_EQ(old.params_hash, 7u);
  EXPECT_EQ(old.code_hash, 8u);
  EXPECT_TRUE(old.param_hashes.empty());
  EXPECT_EQ(old.finished_at, 2.5);
  EXPECT_EQ(old.wildcards, "x=a");
  EXPECT_EQ(old.threads, 4);
  EXPECT_EQ(old.params, "x, y=2");
  EXPECT_EQ(old.command, "sort a");
  EXPECT_EQ(old.host, "here");
}

TEST_F(StoreTest, KeepsTheLastRecordOfAKey) {
  auto store = open();
  JobRecord record = sample_record("a");
  record.phase = JobPhase::kStarted;
  put(*store, record);
  record.phase = JobPhase::kFinished;
  put(*store, record);
  EXPECT_EQ(keys_of(*store).size(), 1u);
  EXPECT_EQ(store->find("a").value()->phase, JobPhase::kFinished);
  EXPECT_FALSE(store->find("b").value().has_value());
}

TEST_F(StoreTest, KnowsWhetherTheLastRunEndedCleanly) {
  EXPECT_TRUE(open()->ended_cleanly());
  put(*open(), sample_record("a"));
  EXPECT_FALSE(open()->ended_cleanly());
  EXPECT_FALSE(open()->ended_cleanly());  // opening it does not make it clean
  {
    auto store = open();
    EXPECT_TRUE(store->close_cleanly());
  }
  EXPECT_TRUE(open()->ended_cleanly());
  {
    auto store = open();
    put(*store, sample_record("b"));
    EXPECT_TRUE(store->close_cleanly());
  }
  EXPECT_FALSE(os::status(folder() + "/furrow.db-wal").exists());
  EXPECT_TRUE(open()->ended_cleanly());
}

TEST_F(StoreTest, ReadOnlyCreatesNothingAndIsEmptyWithoutAStore) {
  auto store = Store::open_readonly(folder());
  ASSERT_TRUE(store) << store.error().to_string();
  EXPECT_EQ(keys_of(**store).size(), 0u);
  EXPECT_FALSE((*store)->find("a").value().has_value());
  EXPECT_TRUE((*store)->ended_cleanly());
  EXPECT_FALSE((*store)->begin());
  EXPECT_TRUE((*store)->lock_fds().empty());
  EXPECT_FALSE(os::status(folder()).exists());
}

TEST_F(StoreTest, ReadOnlySeesCommittedRecordsAndKeepsThem) {
  put(*open(), sample_record("a"));
  auto store = Store::open_readonly(folder());
  ASSERT_TRUE(store) << store.error().to_string();
  EXPECT_EQ(keys_of(**store), std::vector<std::string>{"a"});
  EXPECT_FALSE((*store)->put(sample_record("b")));
  EXPECT_FALSE((*store)->erase("a"));
  EXPECT_TRUE((*store)->close_cleanly());
  EXPECT_FALSE(open()->ended_cleanly());
}

TEST_F(StoreTest, RefusesAStoreOfANewerVersion) {
  put(*open(), sample_record("a"));
  execute(folder() + "/furrow.db", "PRAGMA user_version = 7");
  for (const auto& store : {Store::open_alone(folder(), 0), Store::open_readonly(folder())}) {
    ASSERT_FALSE(store);
    EXPECT_NE(store.error().message.find("newer furrow (its version is 7"), std::string::npos)
        << store.error().message;
  }
}

TEST_F(StoreTest, ADamagedStoreErrorSaysWhatToDo) {
  ASSERT_TRUE(os::make_directories(folder()));
  ASSERT_TRUE(os::write_file(folder() + "/furrow.db", std::string(20'000, 'x')));
  for (const auto& store : {Store::open_alone(folder(), 0), Store::open_readonly(folder())}) {
    ASSERT_FALSE(store);
    EXPECT_NE(store.error().message.find("is damaged"), std::string::npos) << store.error().message;
    EXPECT_NE(store.error().hint.find("away"), std::string::npos) << store.error().hint;
  }
}

TEST_F(StoreTest, ReplacesWhatAPowerCutLeftOfANewStore) {
  ASSERT_TRUE(os::make_directories(folder()));
  ASSERT_TRUE(os::write_file(folder() + "/furrow.db", ""));
  ASSERT_TRUE(os::write_file(folder() + "/furrow.db.new", std::string(4096, '\0')));
  ASSERT_TRUE(os::write_file(folder() + "/furrow.db.new-wal", std::string(100, 'x')));
  put(*open(), sample_record("a"));
  EXPECT_FALSE(os::status(folder() + "/furrow.db.new").exists());
  EXPECT_FALSE(os::status(folder() + "/furrow.db.new-wal").exists());
  EXPECT_TRUE(open()->close_cleanly());
}

TEST_F(StoreTest, RefusesAnotherProgramsDatabase) {
  ASSERT_TRUE(os::make_directories(folder()));
  execute(folder() + "/furrow.db", "CREATE TABLE other(x)");
  auto store = Store::open_alone(folder(), 0);
  ASSERT_FALSE(store);
}

TEST_F(StoreTest, ReportsDamageWhereItIsRead) {
  {
    auto store = open();
    ASSERT_TRUE(store->begin());
    for (int i = 0; i < 5000; ++i) ASSERT_TRUE(store->put(sample_record("key" + std::to_string(i))));
    ASSERT_TRUE(store->commit());
    ASSERT_TRUE(store->close_cleanly());
  }
  std::string content = os::read_file(folder() + "/furrow.db").value();
  for (std::size_t at = content.size() / 2; at < content.size(); ++at) content[at] = '\x77';
  ASSERT_TRUE(os::write_file(folder() + "/furrow.db", content));
  auto store = Store::open_alone(folder(), 0);
  if (store) {
    const auto read = (*store)->for_each([](JobRow&) {});
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().message.find("is damaged"), std::string::npos) << read.error().message;
  } else {
    EXPECT_NE(store.error().message.find("is damaged"), std::string::npos) << store.error().message;
  }
}

TEST_F(StoreTest, ReportsAFolderThatCannotBeCreated) {
  ASSERT_TRUE(os::write_file(std::string(folder_) + "/file", ""));
  EXPECT_FALSE(Store::open_alone(std::string(folder_) + "/file/.furrow", 0));
}

// Prints what it costs here; it asserts no time.
TEST_F(StoreTest, ReadsAHundredThousandRows) {
  const auto clock = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  constexpr int kJobs = 100'000;
  {
    auto store = open();
    ASSERT_TRUE(store->begin());
    JobRecord record = sample_record("");
    record.inputs.resize(1);
    for (int i = 0; i < kJobs; ++i) {
      record.key = "results/counts/sample_" + std::to_string(i) + ".tsv";
      record.inputs[0].path = "results/texts/sample_" + std::to_string(i) + ".txt";
      record.outputs[0].path = record.key;
      ASSERT_TRUE(store->put(record));
    }
    ASSERT_TRUE(store->commit());
    ASSERT_TRUE(store->close_cleanly());
  }
  const double t0 = clock();
  auto store = open();
  const double t1 = clock();
  std::size_t bytes = 0;
  ASSERT_TRUE(store->for_each([&](JobRow& row) {
    while (row.inputs.next()) bytes += row.inputs.stamp().path.size();
    while (row.outputs.next()) bytes += row.outputs.stamp().path.size();
  }));
  const double t2 = clock();
  store.reset();
  const double t3 = clock();
  auto copy = Store::open_readonly(folder());
  const double t4 = clock();
  ASSERT_TRUE(copy);
  EXPECT_GT(bytes, kJobs * 50u);
  std::printf("open %.2f ms, read %.1f ms, open read only %.1f ms\n", (t1 - t0) * 1e3, (t2 - t1) * 1e3,
              (t4 - t3) * 1e3);
  const double t5 = clock();
  for (int i = 0; i < 2000; ++i) {
    if (!store) store = open();
    JobRecord record = sample_record("results/counts/sample_" + std::to_string(i * 37) + ".tsv");
    record.phase = i % 2 ? JobPhase::kFinished : JobPhase::kStarted;
    put(*store, record);
  }
  std::printf("put and commit %.1f us\n", (clock() - t5) / 2000 * 1e6);
}

}  // namespace
}  // namespace furrow::store
