// When a job counts as lost: a batch system that says what the test wants, and runners that the test plays.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/batch/batch_journal.hpp"
#include "exec/cluster/cluster_executor.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "support/temporary_folder.hpp"

namespace furrow::exec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Phase = BatchState::Phase;
using EndedBy = BatchState::EndedBy;

class FakeSystem : public BatchSystem {
 public:
  explicit FakeSystem(os::EventLoop& loop) : loop_(loop) {}
  const char* name() const override { return "Fake"; }
  void figures(std::function<void(const SystemFigures&)> done) override {
    later([done = std::move(done)] { done({.max_array = 0, .node_cores = 4}); });
  }
  void submit(const Submission& submission, std::function<void(Result<std::string>)> done) override {
    left_out.push_back(submission.left_out);
    if (needs_all_nodes && !submission.left_out.empty())
      return later([done = std::move(done)] { done(fail("no such nodes")); });
    later([this, done = std::move(done)] { done(std::to_string(++submitted)); });
  }
  std::string batch_name(const std::string& name, std::size_t, std::size_t) const override { return name; }
  void ask(const std::vector<std::string>&, std::function<void(BatchStates)> done) override {
    ++asked;
    later([this, done = std::move(done)] { done(queue); });
  }
  void remember(const std::vector<std::string>&, std::function<void(BatchStates)> done) override {
    later([this, done = std::move(done)] { done(records); });
  }
  void cancel(const std::vector<std::string>& batches, bool, std::function<void()> done) override {
    cancelled.insert(cancelled.end(), batches.begin(), batches.end());
    later(done);
  }

  int submitted = 0, asked = 0;
  bool needs_all_nodes = false;
  std::vector<std::vector<std::string>> left_out;  // by submission
  BatchStates queue = std::map<std::string, BatchState>{}, records{};
  std::vector<std::string> cancelled;

 private:
  // Nothing comes once this object is destroyed.
  void later(std::function<void()> answer) {
    loop_.after(0, [exists = std::weak_ptr(exists_), answer = std::move(answer)] {
      if (!exists.expired()) answer();
    });
  }
  os::EventLoop& loop_;
  const std::shared_ptr<bool> exists_ = std::make_shared<bool>();
};

struct PlainNeeds : NeedsSource {
  ClusterNeeds needs(const plan::Attempt& attempt) override {
    ClusterNeeds needs;
    needs.key = needs.name = "job" + std::to_string(attempt.job);
    needs.identity = 1;
    return needs;
  }
  std::vector<Result<Words>> words(std::span<const plan::Attempt* const> attempts) override {
    return std::vector<Result<Words>>(attempts.size(), Words{});
  }
};

class ClusterLoss : public ::testing::Test, public plan::ExitListener {
 public:
  void on_exit(plan::Exit exit) override { exits.push_back(std::move(exit)); }

 protected:
  ClusterLoss() {
    options.spool = temporary.path() + "/batches";
    options.directory = temporary.path();
    options.collect_s = options.pause_s = 0.001;
    options.ask_first_s = options.ask_most_s = 0.02;
    options.look_first_s = options.look_most_s = 0.02;
    options.latency_wait_s = 0.1;
    make();
  }
  void make() {
    auto made = std::make_unique<FakeSystem>(loop);
    system = made.get();
    cluster = std::make_unique<ClusterExecutor>(loop, std::move(made), needs, nullptr, options);
    cluster->set_listener(this);
  }
  void start() {
    plan::Attempt attempt{.job = 1, .number = 1, .launch = {}};
    attempt.launch.kind = plan::Launch::Kind::kShell;
    cluster->start(std::move(attempt));
    submitted_as(1);
  }
  template <class Condition>
  void until(Condition condition) {
    const double end = os::monotonic_seconds() + 20;
    while (!condition() && os::monotonic_seconds() < end) loop.run_once(0.01);
    ASSERT_TRUE(condition());
  }
  void submitted_as(int number) {
    until([&] { return system->submitted >= number && cluster->in_flight() > 0; });
  }
  void answers(int count) {
    until([this, end = system->asked + count] { return system->asked >= end; });
  }
  // The runner of the batch that was submitted last has begun its job.
  std::unique_ptr<JournalWriter> run() {
    const BatchFolder folder = BatchSpool(options.spool).unsettled().back();
    const std::string name = std::to_string(system->submitted);
    EXPECT_TRUE(*folder.claim(0, "run " + name));
    auto journal = std::move(*JournalWriter::create(folder.journal(0)));
    journal->begin(folder.id(), 0, name, 0);
    journal->start(0);
    EXPECT_TRUE(journal->commit());
    return journal;
  }
  static void end(JournalWriter& journal, const plan::Exit& exit = {}) {
    journal.end(0, exit);
    journal.over();
    EXPECT_TRUE(journal.commit());
  }
  void ends_well() {
    until([this] { return !exits.empty(); });
    EXPECT_TRUE(exits.at(0).ok()) << exits[0].error;
    EXPECT_EQ(exits.size(), 1u);
    EXPECT_EQ(exits[0].attempt, 1);
  }

  support::TemporaryFolder temporary;
  os::EventLoop loop;
  PlainNeeds needs;
  ClusterOptions options;
  FakeSystem* system = nullptr;
  std::unique_ptr<ClusterExecutor> cluster;
  std::vector<plan::Exit> exits;
};

TEST_F(ClusterLoss, AnAnswerWithoutTheBatchEndsNoJob) {
  start();
  const auto journal = run();
  answers(20);
  system->records = std::map<std::string, BatchState>{{"1", {Phase::kRunning, "RUNNING", "n1"}}};
  answers(20);
  EXPECT_TRUE(exits.empty());
  end(*journal);
  ends_well();
  EXPECT_EQ(system->submitted, 1);
  EXPECT_TRUE(system->cancelled.empty());
}

TEST_F(ClusterLoss, AWaitingBatchThatIsNotListedKeepsItsPlace) {
  start();
  answers(20);
  end(*run());
  ends_well();
  EXPECT_EQ(system->submitted, 1);
}

TEST_F(ClusterLoss, AfterLongSilenceItIsCancelledAndThenSubmittedAgain) {
  options.patience_s = 0.3;
  make();
  start();
  const auto journal = run();
  system->records = std::map<std::string, BatchState>{{"1", {Phase::kRunning, "RUNNING", "n1"}}};
  submitted_as(2);
  EXPECT_THAT(system->cancelled, ElementsAre("1"));
  system->queue = std::map<std::string, BatchState>{{"2", {Phase::kRunning, "RUNNING", "n1"}}};
  end(*run());
  ends_well();
}

TEST_F(ClusterLoss, AJobThatTheCancelEndedRunsAgain) {
  options.patience_s = 0.3;
  make();
  start();
  const auto journal = run();
  until([this] { return !system->cancelled.empty(); });
  system->queue =
      std::map<std::string, BatchState>{{"1", {Phase::kEnded, "CANCELLED", "", false, EndedBy::kUser}}};
  end(*journal, {.status = -1, .signal = 15, .cancelled = true});
  submitted_as(2);
  system->queue->insert({"2", {Phase::kRunning, "RUNNING", "n1"}});
  end(*run());
  ends_well();
}

TEST_F(ClusterLoss, AnEndInTheRecordsIsAnEnd) {
  start();
  const auto journal = run();
  system->records = std::map<std::string, BatchState>{{"1", {Phase::kEnded, "OUT_OF_MEMORY", ""}}};
  until([this] { return !exits.empty(); });
  EXPECT_THAT(exits[0].error, HasSubstr("OUT_OF_MEMORY"));
}

TEST_F(ClusterLoss, WhatTheClusterEndsIsNoAttempt) {
  for (const auto& [reason, who] :
       {std::pair{"NODE_FAIL", EndedBy::kNode}, std::pair{"PREEMPTED", EndedBy::kPreemption}}) {
    exits.clear();
    make();
    start();
    const auto journal = run();
    if (who == EndedBy::kPreemption) end(*journal, {.status = -1, .signal = 15});
    system->queue = std::map<std::string, BatchState>{{"1", {Phase::kEnded, reason, "", false, who}}};
    submitted_as(2);
    end(*run());
    ends_well();
    cluster->finish([](const std::string&) { return false; });
  }
}

TEST_F(ClusterLoss, ARequeuedBatchIsReplacedByAnother) {
  start();
  const auto journal = run();
  end(*journal, {.status = -1, .signal = 15, .cancelled = true});
  system->queue = std::map<std::string, BatchState>{{"1", {Phase::kWaiting, "PENDING", ""}}};
  submitted_as(2);
  EXPECT_THAT(system->cancelled, ElementsAre("1"));
  system->queue->insert({"2", {Phase::kRunning, "RUNNING", "n1"}});
  end(*run());
  ends_well();
}

TEST_F(ClusterLoss, AFailureOfTheJobStaysOneWhenItsNodeFailsLater) {
  start();
  const auto journal = run();
  end(*journal, {.status = 3});
  system->queue =
      std::map<std::string, BatchState>{{"1", {Phase::kEnded, "NODE_FAIL", "", false, EndedBy::kNode}}};
  until([this] { return !exits.empty(); });
  EXPECT_EQ(exits[0].status, 3);
}

TEST_F(ClusterLoss, AJournalThatIsShownLateIsWaitedFor) {
  options.latency_wait_s = 10;
  make();
  start();
  system->queue = std::map<std::string, BatchState>{{"1", {Phase::kEnded, "COMPLETED", "n1"}}};
  answers(10);
  EXPECT_TRUE(exits.empty());
  end(*run());
  ends_well();
  EXPECT_EQ(system->submitted, 1);
}

TEST_F(ClusterLoss, ANodeOnWhichABatchNeverBeginsIsLeftOut) {
  start();
  system->queue = std::map<std::string, BatchState>{{"1", {Phase::kEnded, "FAILED", "n2"}}};
  submitted_as(2);
  system->queue->insert({"2", {Phase::kRunning, "RUNNING", "n1"}});
  end(*run());
  ends_well();
  EXPECT_THAT(system->left_out, ElementsAre(ElementsAre(), ElementsAre("n2")));
}

TEST_F(ClusterLoss, ANodeOnWhichABatchHasBegunIsNotLeftOut) {
  start();
  const auto journal = run();
  system->queue =
      std::map<std::string, BatchState>{{"1", {Phase::kEnded, "NODE_FAIL", "n2", false, EndedBy::kNode}}};
  submitted_as(2);
  end(*run());
  ends_well();
  EXPECT_THAT(system->left_out, ElementsAre(ElementsAre(), ElementsAre()));
}

TEST_F(ClusterLoss, AllNodesAreUsedAgainIfTheOthersCannotRunTheJob) {
  start();
  system->needs_all_nodes = true;
  system->queue = std::map<std::string, BatchState>{{"1", {Phase::kEnded, "FAILED", "n2"}}};
  submitted_as(2);
  system->queue->insert({"2", {Phase::kRunning, "RUNNING", "n2"}});
  end(*run());
  ends_well();
  EXPECT_THAT(system->left_out, ElementsAre(ElementsAre(), ElementsAre("n2"), ElementsAre()));
}

TEST_F(ClusterLoss, JobsThatAreLeftGoOnAndALaterEngineFindsThem) {
  start();
  const auto journal = run();
  EXPECT_THAT(cluster->release(), ElementsAre(1u));
  cluster->cancel_all(plan::Stop::kGently);
  EXPECT_EQ(cluster->running(), 0u);
  cluster->finish([](const std::string&) { return true; });
  EXPECT_TRUE(system->cancelled.empty());
  make();
  cluster->adopt({});
  plan::Attempt attempt{.job = 1, .number = 1, .launch = {}};
  attempt.launch.kind = plan::Launch::Kind::kShell;
  cluster->start(std::move(attempt));
  end(*journal);
  ends_well();
  EXPECT_EQ(system->submitted, 0);
}

}  // namespace
}  // namespace furrow::exec
