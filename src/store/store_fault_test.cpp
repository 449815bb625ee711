// What the store holds after its process was killed, its log was torn or its disk was full, and while another
// process writes.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "os/files/files.hpp"
#include "store/store.hpp"

namespace furrow::store {
namespace {

class StoreFault : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(root_), nullptr); }
  void TearDown() override { (void)os::remove_tree(root_); }
  std::string folder() const { return std::string(root_) + "/.furrow"; }
  char root_[32] = "/tmp/furrow-fault-XXXXXX";
};

JobRecord record_of(int number, JobPhase phase = JobPhase::kFinished) {
  JobRecord record;
  char key[32];
  std::snprintf(key, sizeof key, "out/%06d", number);
  record.key = key;
  record.phase = phase;
  record.inputs = {{"in/" + std::to_string(number), number, number, 1}};
  record.outputs = {{key, number, number, 2}};
  record.command = std::string(300, 'c');
  return record;
}

// For child processes, which report by their exit status instead of gtest.
bool write(Store& store, int first, int end, JobPhase phase = JobPhase::kFinished) {
  if (!store.begin()) return false;
  for (int i = first; i < end; ++i) {
    if (!store.put(record_of(i, phase))) return false;
  }
  return store.commit().has_value();
}

pid_t fork_child(const std::function<void()>& action) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    action();
    ::_exit(9);
  }
  return pid;
}

int wait_status(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

int count_rows(Store& store) {
  int count = 0;
  const auto read = store.for_each([&](JobRow& row) {
    ++count;
    EXPECT_TRUE(row.inputs.next() && row.outputs.next());
  });
  EXPECT_TRUE(read) << read.error().message;
  return count;
}

TEST_F(StoreFault, AKillBeforeCommitLosesOnlyThatTransaction) {
  const int status = wait_status(fork_child([&] {
    auto store = Store::open_alone(folder(), 0);
    if (!store || !write(**store, 0, 10) || !write(**store, 10, 12, JobPhase::kStarted)) ::_exit(1);
    if (!(*store)->begin() || !(*store)->put(record_of(50))) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }));
  ASSERT_TRUE(WIFSIGNALED(status));
  auto store = Store::open_alone(folder(), 0);
  ASSERT_TRUE(store) << store.error().to_string();
  EXPECT_EQ(count_rows(**store), 12);
  EXPECT_FALSE((*store)->ended_cleanly());
  std::vector<std::string> started;
  ASSERT_TRUE((*store)->for_each([&](const JobRow& row) {
    if (row.phase == JobPhase::kStarted) started.emplace_back(row.key);
  }));
  EXPECT_EQ(started, (std::vector<std::string>{"out/000010", "out/000011"}));
}

TEST_F(StoreFault, AKillAtAnyMomentLeavesWholeTransactions) {
  constexpr int kGroup = 7;
  for (int round = 0; round < 8; ++round) {
    const std::string here = folder() + std::to_string(round);
    const pid_t writer = fork_child([&] {
      auto store = Store::open_alone(here, 0);
      for (int i = 0; store && i < 700'000; i += kGroup) {
        if (!write(**store, i, i + kGroup)) ::_exit(1);
      }
    });
    ::usleep(static_cast<useconds_t>(2'000 + 9'000 * round));
    ::kill(writer, SIGKILL);
    ASSERT_TRUE(WIFSIGNALED(wait_status(writer)));
    auto store = Store::open_alone(here, 5);
    ASSERT_TRUE(store) << store.error().to_string();
    EXPECT_EQ(count_rows(**store) % kGroup, 0);
  }
}

TEST_F(StoreFault, ATornLogLosesOnlyItsTail) {
  wait_status(fork_child([&] {
    auto store = Store::open_alone(folder(), 0);
    for (int i = 0; i < 40; ++i) {
      if (!store || !write(**store, i, i + 1)) ::_exit(1);
    }
    ::_exit(0);  // without closing, so that everything is in the log
  }));
  const std::string log_path = folder() + "/furrow.db-wal";
  const std::string log = os::read_file(log_path).value();
  ASSERT_GT(log.size(), 40u * 4096);
  // A frame is a page and 24 bytes. Cut the file within the last one, then overwrite part of an earlier one.
  ASSERT_TRUE(os::write_file(log_path, log.substr(0, log.size() - 1000)));
  {
    auto copy = Store::open_readonly(folder());
    ASSERT_TRUE(copy) << copy.error().to_string();
    EXPECT_EQ(count_rows(**copy), 39);
  }
  std::string torn = log;
  for (std::size_t i = 0; i < 100; ++i) torn[torn.size() - 5 * 4120 - 2000 + i] ^= 0x55;
  ASSERT_TRUE(os::write_file(log_path, torn));
  auto store = Store::open_alone(folder(), 0);
  ASSERT_TRUE(store) << store.error().to_string();
  const int rows = count_rows(**store);
  EXPECT_LT(rows, 40);
  EXPECT_GE(rows, 30);
  EXPECT_TRUE(write(**store, 100, 110));
  EXPECT_EQ(count_rows(**store), rows + 10);
}

TEST_F(StoreFault, RecoversAfterAWriteBeyondTheFileSizeLimit) {
  const int status = wait_status(fork_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    auto store = Store::open_alone(folder(), 0);
    if (!store || !write(**store, 0, 10)) ::_exit(1);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 100'000;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    if (write(**store, 10, 1000)) ::_exit(2);
    if ((*store)->put(record_of(1)) || (*store)->commit())
      ::_exit(3);  // the error stays until the next begin()
    limit.rlim_cur = before;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    if (!write(**store, 10, 20)) ::_exit(4);
    if (!(*store)->close_cleanly()) ::_exit(5);
    ::_exit(0);
  }));
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);
  auto store = Store::open_alone(folder(), 0);
  ASSERT_TRUE(store) << store.error().to_string();
  EXPECT_EQ(count_rows(**store), 20);
  EXPECT_TRUE((*store)->ended_cleanly());
}

TEST_F(StoreFault, ReportsAFullDisk) {
  const std::string disk = std::string(root_) + "/disk";
  ASSERT_TRUE(os::make_directories(disk));
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=256k") != 0)
    GTEST_SKIP() << "no right to mount a small disk";
  {
    auto store = Store::open_alone(disk + "/.furrow", 0);
    EXPECT_TRUE(store) << store.error().to_string();
    Result<void> last;
    for (int i = 0; store && last && i < 1000; ++i) {
      last = (*store)->begin();
      for (int k = 0; last && k < 100; ++k) last = (*store)->put(record_of(i * 100 + k));
      if (last) last = (*store)->commit();
    }
    EXPECT_FALSE(last);
    if (!last) {
      EXPECT_NE(last.error().message.find("the disk is full"), std::string::npos) << last.error().message;
    }
    EXPECT_GE(count_rows(**store), 0);
  }
  {
    auto full = Store::open_alone(disk + "/.furrow", 0);
    if (full) {
      EXPECT_GE(count_rows(**full), 0);
    }
  }
  ::umount2(disk.c_str(), MNT_DETACH);
}

TEST_F(StoreFault, ReadersSeeWholeTransactionsDuringWrites) {
  constexpr int kGroup = 11;
  const pid_t writer = fork_child([&] {
    auto store = Store::open_alone(folder(), 0);
    // The same keys over and over, so that the log starts over many times.
    for (int round = 0; store; ++round) {
      for (int i = 0; i < 500; ++i) {
        if (!write(**store, i * kGroup, (i + 1) * kGroup)) ::_exit(1);
      }
    }
  });
  int most = 0;
  for (int i = 0; i < 30; ++i) {
    auto copy = Store::open_readonly(folder());
    ASSERT_TRUE(copy) << copy.error().to_string();
    const int rows = count_rows(**copy);
    EXPECT_EQ(rows % kGroup, 0);
    most = std::max(most, rows);
    ::usleep(10'000);
  }
  EXPECT_GT(most, 0);
  ASSERT_EQ(::kill(writer, SIGKILL), 0);
  EXPECT_TRUE(WIFSIGNALED(wait_status(writer))) << "the reader disturbed the writer";
}

TEST_F(StoreFault, RefusesASecondRunWhileTheFirstRuns) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t first = fork_child([&] {
    auto store = Store::open_alone(folder(), 0);
    if (!store || ::write(ends[1], "x", 1) != 1) ::_exit(1);
    ::pause();
  });
  char byte;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  const auto second = Store::open_alone(folder(), 3);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("pid " + std::to_string(first)), std::string::npos)
      << second.error().message;
  ::kill(first, SIGKILL);
  wait_status(first);
  EXPECT_TRUE(Store::open_alone(folder(), 3));
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace furrow::store
