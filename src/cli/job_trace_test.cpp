#include "cli/job_trace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "os/events/clock.hpp"
#include "os/files/files.hpp"
#include "text/json.hpp"

namespace furrow::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = plan::Event::Kind;

class NamedJobs final : public plan::JobSource {
 public:
  std::vector<Result<plan::DemandId>> demands(std::span<const plan::JobId>, int) override { return {}; }
  Result<void> before_start(plan::JobId, int, plan::Launch&) override { return {}; }
  Result<void> on_success(const plan::Exit&) override { return {}; }
  void on_failure(const plan::Exit&, bool) override {}
  Result<void> commit() override { return {}; }
  plan::JobName name(plan::JobId job) const override {
    return {"rule", "job=\"" + std::to_string(job) + "\""};
  }
};

class JobTraceTest : public ::testing::Test {
 protected:
  JobTraceTest() : path_(::testing::TempDir() + "furrow_trace_" + std::to_string(::getpid()) + ".json") {
    auto trace = JobTrace::create(path_, "furrow run");
    EXPECT_TRUE(trace);
    trace_ = std::move(*trace);
  }
  ~JobTraceTest() override { ::unlink(path_.c_str()); }

  void begin(plan::JobId job) { trace_->on_event({.kind = Kind::kJobStarted, .job = job}); }
  void end(plan::JobId job, bool is_ok = true, bool will_retry = false) {
    plan::Exit exit;
    exit.job = job;
    exit.status = is_ok ? 0 : 3;
    exit.started_at = os::wall_seconds();
    exit.usage.wall_s = 0.25;
    trace_->on_event({.kind = is_ok ? Kind::kJobFinished : Kind::kJobFailed,
                      .job = job,
                      .exit = &exit,
                      .will_retry = will_retry});
  }
  // All events of one kind, as JSON.
  std::vector<std::string> events(const std::string& phase) {
    const bool is_written = !trace_ || trace_->finish().has_value();
    EXPECT_TRUE(is_written);
    trace_.reset();
    const auto document = text::JsonDocument::parse(os::read_file(path_).value_or(""), "trace");
    EXPECT_TRUE(document);
    std::vector<std::string> found;
    for (const auto& event : text::member(document->root(), "traceEvents")->GetArray())
      if (text::view(event["ph"]) == phase) found.push_back(text::to_text(event));
    return found;
  }

  std::string path_;
  NamedJobs source_;
  std::unique_ptr<JobTrace> trace_;
};

TEST_F(JobTraceTest, JobsThatRunAtOnceHaveTracksOfTheirOwnAndTracksAreUsedAgain) {
  trace_->follow(source_, {});
  begin(0), begin(1), end(0), begin(2), end(2), end(1);
  const auto slices = events("X");
  ASSERT_EQ(slices.size(), 3u);
  EXPECT_THAT(slices[0], HasSubstr("\"tid\":1"));
  EXPECT_THAT(slices[1], HasSubstr("\"tid\":1"));
  EXPECT_THAT(slices[2], HasSubstr("\"tid\":2"));
  EXPECT_THAT(slices[0], HasSubstr("\"dur\":250000.0"));
  EXPECT_THAT(slices[0], HasSubstr(R"("job":"job=\"0\"")"));
}

TEST_F(JobTraceTest, FailuresAndRetriesAreShown) {
  trace_->follow(source_, {});
  begin(0), end(0, false, true), begin(0), end(0);
  const auto slices = events("X");
  ASSERT_EQ(slices.size(), 2u);
  EXPECT_THAT(slices[0], HasSubstr("failed, is tried again"));
  EXPECT_THAT(slices[0], HasSubstr("terrible"));
  EXPECT_THAT(slices[1], Not(HasSubstr("terrible")));
}

TEST_F(JobTraceTest, ArrowsLeadFromAJobToThoseThatNeedIt) {
  trace_->follow(source_, {[](plan::JobId job) { return job; },
                           [](plan::JobId job, const JobTrace::Needs::Visitor& visit) {
                             if (job == 1) visit(0);
                           }});
  begin(0), end(0), begin(1), end(1);
  EXPECT_EQ(events("s").size(), 1u);
  EXPECT_EQ(events("f").size(), 1u);
}

TEST_F(JobTraceTest, CountsWhatRunsAndWaits) {
  trace_->follow(source_, {});
  trace_->on_event({.kind = Kind::kRunStarted, .total = 3});
  begin(0), end(0);
  EXPECT_THAT(events("C").back(), HasSubstr("\"waiting\":2"));
}

TEST(JobTrace, APathThatCannotBeWrittenIsRefusedAtOnce) {
  EXPECT_FALSE(JobTrace::create("/nowhere/trace.json", "furrow run"));
}

}  // namespace
}  // namespace furrow::cli
