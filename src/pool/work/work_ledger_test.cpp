#include "pool/work/work_ledger.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "pool/task/failure.hpp"

namespace furrow::pool {
namespace {

constexpr std::uint64_t kIndices = 6;  // of the chunk in each table

// Notes what became of each index, as one letter.
struct NotedChunk : Chunk {
  explicit NotedChunk(int of_retries = 0, std::uint64_t items = 1) {
    begin = 0, end = kIndices;
    map = 1;
    retries = of_retries;
    items_per_index = items;
    timeout_s = 3;
  }
  void encode(std::uint64_t, std::uint64_t, Writer&) override {}
  void store(std::uint64_t, ValueReader&) override {}
  void failed(Failure failure, std::uint64_t index, int) override {
    EXPECT_EQ(fate[index], '.') << "index " << index << " has two outcomes";
    constexpr char kLetters[] = {'E', 'D', 'T', 'L', 'C'};
    fate[index] = kLetters[static_cast<int>(failure.kind)];
    failures[index] = std::move(failure);
  }
  void done(int, const Times& of) override {
    ++times_done;
    times = of;
  }

  std::string fate = std::string(kIndices, '.');  // r: has a result
  std::map<std::uint64_t, Failure> failures{};
  int times_done = 0;
  Times times{};
};

// A worker that gets its work from a ledger.
struct Worker {
  explicit Worker(NotedChunk& of) : chunk(of) { ledger.add(&chunk); }

  void die(const WorkLedger::Death& death) { ledger.died(std::exchange(held, {}), 0, death); }
  void die_at(std::uint64_t item, bool is_late) {
    die({ledger.item_at_death(held, item, true), SIGKILL, 0, is_late});
  }
  // EVENTS: words such as "report=3", with how many indices, or which item.
  void see(const std::string& events) {
    std::istringstream words(events);
    for (std::string word; words >> word;) {
      const std::size_t mark = word.find('=');
      see(word.substr(0, mark), mark == std::string::npos ? 0 : std::stoull(word.substr(mark + 1)));
    }
  }
  void see(const std::string& event, std::uint64_t n) {
    if (event == "take") held = n ? ledger.take(n) : ledger.take();
    if (event == "report") {
      chunk.fate.replace(held.begin, n, n, 'r');
      ledger.reported(held, n);
    }
    if (event == "over") ledger.over(std::exchange(held, {}), 0, {100, 105});
    if (event == "requeue") ledger.requeue(std::exchange(held, {}));
    if (event == "fail-attempt") {
      Failure failure;
      failure.attempts = held.attempts + 1;
      ledger.attempt_failed(held, failure, 0);
    }
    if (event == "die") die_at(n, false);
    if (event == "die-late") die_at(n, true);
    if (event == "die-silent") die_at(WorkLedger::kNoItem, false);
    if (event == "lose") ledger.lost(std::exchange(held, {}), "it is gone");
    if (event == "stop") ledger.stop(1);
    if (event == "give-up") ledger.fail_waiting(lost("nothing works"));
  }
  // What waits, in its order: "0-2 5-6*1" for [0, 2), and [5, 6) after one failed attempt.
  std::string waiting() {
    std::string text;
    for (std::vector<WorkLedger::Subchunk> all = ledger.take_all([](const Chunk&) { return true; });
         const auto& each : all) {
      text += (text.empty() ? "" : " ") + std::to_string(each.begin) + "-" + std::to_string(each.end);
      if (each.attempts) text += "*" + std::to_string(each.attempts);
    }
    return text;
  }

  NotedChunk& chunk;
  WorkLedger ledger{};
  WorkLedger::Subchunk held{};
};

struct Row {
  const char* claim;
  int retries;
  const char* events;
  std::string fate, waiting;
  bool is_done;
};

const Row kRows[] = {
    {"AllIsHandedOutAndReported", 0, "take report=6 over", "rrrrrr", "", true},
    {"TheRestOfASplitPartWaits", 0, "take=2 report=2 over", "rr....", "2-6", false},
    {"AChunkIsNotDoneBeforeItsHolderSaysSo", 0, "take report=6", "rrrrrr", "", false},
    {"WhatAHolderDidNotReportIsLost", 0, "take report=4 over", "rrrrLL", "", true},
    {"WhatIsRequeuedIsTheNext", 0, "take=2 requeue", "......", "0-2 2-6", false},
    {"AFailedAttemptIsFinalWithoutRetries", 0, "take report=1 fail-attempt", "rE....", "", false},
    {"AFailedAttemptIsTriedAgain", 1, "take fail-attempt", "......", "0-1*1", false},
    {"TheLastRetryFails", 1, "take fail-attempt report=5 over take fail-attempt over", "Errrrr", "", true},
    {"OnlyTheItemOfADeadHolderFails", 0, "take report=2 die=2", "rrD...", "3-6", false},
    {"ADeadHoldersUnreportedIndicesRunAgain", 0, "take report=1 die=3", "r..D..", "1-3 4-6", false},
    {"TheItemOfADeadHolderIsTriedAgain", 1, "take report=2 die=3", "rr....", "2-3 3-4*1 4-6", false},
    {"ItsSecondDeathIsFinal", 1, "take die=0 take die=0", "D.....", "1-6", false},
    {"AttemptsEndWithTheirItem", 1, "take die=0 take report=1 over take die=1", "r.....", "1-2*1 2-6", false},
    {"TheLastItemMayDie", 0, "take report=5 die=5", "rrrrrD", "", true},
    {"ADeathBetweenItemsCostsNothing", 0, "take report=2 die-silent", "rr....", "2-6", false},
    {"ADeathAfterTheLastReportCostsNothing", 0, "take report=6 die-silent", "rrrrrr", "", true},
    {"AnItemOfAnotherPartIsNotBelieved", 0, "take=2 die=4", "......", "0-2 2-6", false},
    {"AHiddenItemFailsWithItsThirdHolder", 0, "take die-silent take die-silent take die-silent", "D.....",
     "1-6", false},
    {"ProgressBetweenSilentDeathsCounts", 0, "take die-silent take die-silent take report=1 die-silent",
     "r.....", "1-6", false},
    {"ALateItemFailsWithATimeout", 0, "take die-late=0", "T.....", "1-6", false},
    {"ALateItemIsTriedAgain", 1, "take die-late=0", "......", "0-1*1 1-6", false},
    {"AStopCancelsWhatWaits", 0, "take=2 stop", "..CCCC", "", false},
    {"AStopCancelsWhatIsRequeued", 0, "take=2 stop requeue", "CCCCCC", "", true},
    {"AStopCancelsWhatAHolderDidNotReport", 0, "take stop report=1 over", "rCCCCC", "", true},
    {"AStoppedItemThatDiedIsCancelled", 1, "take stop die=0", "CCCCCC", "", true},
    {"AStoppedItemIsNotTriedAgain", 1, "take=1 stop fail-attempt over", "ECCCCC", "", true},
    {"WhatALostHolderHadFails", 0, "take=3 report=1 lose", "rDD...", "3-6", false},
    {"WhatALostHolderHadIsTriedAgain", 1, "take=3 report=1 lose", "r.....", "1-3 3-6", false},
    {"WhenAllIsGivenUpWhatWaitsFails", 0, "take=2 give-up report=2 over", "rrLLLL", "", true},
};

std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.claim; }

class WorkLedgerTable : public testing::TestWithParam<Row> {};

TEST_P(WorkLedgerTable, Holds) {
  const Row& row = GetParam();
  NotedChunk chunk(row.retries);
  Worker worker(chunk);
  worker.see(row.events);
  EXPECT_EQ(chunk.fate, row.fate);
  EXPECT_EQ(chunk.times_done, row.is_done ? 1 : 0);
  EXPECT_EQ(worker.ledger.idle(), row.is_done);
  EXPECT_EQ(worker.waiting(), row.waiting);
  EXPECT_EQ(worker.ledger.waiting_indices(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Events, WorkLedgerTable, testing::ValuesIn(kRows),
                         [](const auto& of) { return std::string(of.param.claim); });

TEST(WorkLedger, SaysHowAnItemFailed) {
  NotedChunk chunk;
  Worker worker(chunk);
  worker.see("take die=0 take die-late=1 take=1 lose");
  EXPECT_EQ(chunk.failures[0].message, "task 0: its worker was killed by signal 9 (Killed)");
  EXPECT_EQ(chunk.failures[0].signal, SIGKILL);
  EXPECT_EQ(chunk.failures[0].attempts, 1);
  EXPECT_EQ(chunk.failures[1].message, "the task took longer than 3 s and was stopped");
  EXPECT_EQ(chunk.failures[2].message, "task 2: it is gone");
  EXPECT_EQ(chunk.failures[2].index, 2u);
}

TEST(WorkLedger, CountsTheAttemptsThatADeadHolderCountedItself) {
  NotedChunk chunk(2);
  Worker worker(chunk);
  worker.see("take");
  worker.die({0, SIGKILL, 2});
  EXPECT_EQ(chunk.failures[0].attempts, 3);
}

TEST(WorkLedger, NamesTheItemOfAReduction) {
  NotedChunk chunk(0, 10);
  Worker worker(chunk);
  worker.see("take");
  worker.see("die=17");
  EXPECT_EQ(chunk.failures[1].index, 17u);
  worker.see("take");  // index 0, which ran at the same time
  worker.see("over");
  EXPECT_EQ(chunk.failures[0].index, 0u);
}

TEST(WorkLedger, AddsUpTheTimesOfAllParts) {
  NotedChunk chunk;
  Worker worker(chunk);
  worker.see("take=1 report=1 over take=2 report=2 over take=3 report=3 over");
  EXPECT_EQ(chunk.times.began_ns, 90);
  EXPECT_EQ(chunk.times.ended_ns, 105);
}

TEST(WorkLedger, WithdrawsOnlyChunksOfWhichNothingWasBegun) {
  NotedChunk begun, retried(1), fresh;
  Worker worker(begun);
  worker.ledger.add(&retried);
  worker.ledger.add(&fresh);
  worker.see("take=1");
  WorkLedger::Subchunk rest = worker.ledger.take();
  WorkLedger::Subchunk tried = worker.ledger.take();
  worker.ledger.requeue(rest);
  worker.ledger.died(tried, 0, {0, SIGKILL});
  EXPECT_EQ(worker.ledger.withdraw(), std::vector<Chunk*>{&fresh});
  EXPECT_EQ(worker.waiting(), "0-1*1 1-6 1-6");
}

TEST(WorkLedger, AStopConcernsOneMap) {
  NotedChunk one, other;
  other.map = 2;
  Worker worker(one);
  worker.ledger.add(&other);
  EXPECT_TRUE(worker.ledger.stop(1));
  EXPECT_FALSE(worker.ledger.stop(1));
  EXPECT_EQ(one.times_done, 1);
  EXPECT_EQ(worker.waiting(), "0-6");
}

// Deaths before anything was begun end the work, unless there is progress between them.
TEST(WorkLedger, ManyDeathsInVainAreAnError) {
  NotedChunk chunk;
  Worker worker(chunk);
  int deaths = 0;
  const auto die = [&] { ++deaths, worker.ledger.died_in_vain(2, SIGKILL); };
  for (int i = 0; i < 10; ++i) die();
  worker.see("take");
  worker.see("report=1");
  try {
    for (;;) die();
  } catch (const PoolError& error) {
    EXPECT_STREQ(
        error.what(),
        "worker processes end before they begin a task; the last one was killed by signal 9 (Killed)");
  }
  EXPECT_EQ(deaths, 10 + 1 + 13);
}

// Workers that claim indices by themselves, as forked workers do.
TEST(WorkLedger, TakesBackWhatWasClaimedWithoutIt) {
  NotedChunk chunk(1);
  WorkLedger ledger;
  ledger.open(&chunk);
  EXPECT_FALSE(ledger.waits());
  ledger.reported(chunk, 2);
  ledger.died(ledger.claimed(&chunk, 2, 6, 0), 0, {2, SIGKILL});
  const WorkLedger::Subchunk again = ledger.take();
  EXPECT_EQ(again.attempts, 1);
  ledger.release(again);
  ledger.release(ledger.take());
  ledger.died(ledger.claimed(&chunk, 2, 3, again.attempts), 0, {2, SIGKILL});
  EXPECT_EQ(chunk.failures[2].attempts, 2);
  EXPECT_EQ(ledger.left(chunk), 3u);
}

}  // namespace
}  // namespace furrow::pool
