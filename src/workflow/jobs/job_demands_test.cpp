#include "workflow/jobs/job_demands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::Workflow;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kCoresHere = 4;

class JobDemandsTest : public testing::Test {
 protected:
  void plan(Workflow::Rules rules, const std::vector<std::string>& targets) {
    flow_ = std::make_unique<Workflow>(std::move(rules));
    ASSERT_TRUE(flow_->plan(targets));
    demands_ =
        std::make_unique<JobDemands>(flow_->dag, flow_->rules, flow_->evaluator, resources_, kCoresHere);
  }
  std::vector<Result<JobDemands::SharedDemand>> find(int attempt = 1) {
    return demands_->find(flow_->dag.order(), attempt);
  }
  // What the only job asks for, by name.
  std::int64_t amount(const std::string& name) {
    const auto found = find().front();
    EXPECT_TRUE(found);
    const auto& amounts = resources_.amounts((*found)->id);
    const std::size_t index = name == "cores" ? plan::kCores : resources_.index(name);
    return index < amounts.size() ? amounts[index] : 0;
  }

  plan::Resources resources_;
  std::unique_ptr<Workflow> flow_;
  std::unique_ptr<JobDemands> demands_;
};

TEST_F(JobDemandsTest, ThreadsCountAsCores) {
  plan({rule("a").output("a").threads(std::int64_t{3})}, {"a"});
  EXPECT_EQ(amount("cores"), 3);
  EXPECT_THAT(flow_->evaluator.detail_batches, IsEmpty());
}

TEST_F(JobDemandsTest, ResourcesOfEachSubmissionCountOnlyForLocalJobs) {
  plan({rule("a").output("a").resource("mem_mb", std::int64_t{100}).resource("gpu", std::int64_t{1})}, {"a"});
  demands_->set_of_each_submission({"mem_mb"});
  EXPECT_EQ(amount("mem_mb"), 100);
  plan({rule("a").output("a").resource("mem_mb", std::int64_t{100}).resource("gpu", std::int64_t{1})}, {"a"});
  demands_->set_of_each_submission({"mem_mb"});
  demands_->set_local_cores(1);
  EXPECT_EQ(amount("mem_mb"), 0);
  EXPECT_EQ(amount("gpu"), 1);
}

TEST_F(JobDemandsTest, AJobGetsAtMostAllCores) {
  plan({rule("a").output("a").threads(std::int64_t{64})}, {"a"});
  EXPECT_EQ(amount("cores"), kCoresHere);
  EXPECT_EQ((*find().front())->threads, kCoresHere);
}

TEST_F(JobDemandsTest, NegativeThreadsAreAnErrorOfTheRule) {
  plan({rule("a").output("a").threads(std::int64_t{-1})}, {"a"});
  const auto found = find();
  ASSERT_FALSE(found.front());
  EXPECT_THAT(found.front().error().to_string(),
              AllOf(HasSubstr("Snakefile:"), HasSubstr("rule a asks for -1 threads")));
}

TEST_F(JobDemandsTest, NumbersAreLimitedButTextsAreNot) {
  plan({rule("a").output("a").resource("mem_mb", std::int64_t{500}).resource("queue", std::string("short"))},
       {"a"});
  EXPECT_EQ(amount("mem_mb"), 500);
  EXPECT_EQ(amount("queue"), 0);
}

TEST_F(JobDemandsTest, AnAggregatingRuleNeedsNoCore) {
  plan({rule("all").aggregates()}, {"all"});
  EXPECT_EQ(amount("cores"), 0);
}

TEST_F(JobDemandsTest, AsksAboutAllJobsInOneMessage) {
  Workflow::Rules rules{
      rule("by_function").output("{n}.x").threads(FunctionValue{1}).resource("mem_mb", FunctionValue{2}),
      rule("plain").output("{n}.y")};
  auto all = rule("all").aggregates();
  for (int i = 0; i < 100; ++i) all.input(std::to_string(i) + ".x").input(std::to_string(i) + ".y");
  rules.push_back(all);
  plan(std::move(rules), {"all"});
  flow_->evaluator.answer_details = [](const DetailQuestion& question) -> Result<DetailAnswer> {
    EXPECT_TRUE(question.threads && question.resources && !question.params);
    const std::int64_t n = std::stoll(question.job.wildcards.at(0).second);
    return DetailAnswer{n % 3, {{"mem_mb", n * question.job.attempt}}, {}};
  };
  const auto found = find(2);
  EXPECT_THAT(flow_->evaluator.detail_batches, ElementsAre(100u));
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_TRUE(found[i]);
    const NodeId node = flow_->dag.order()[i];
    const std::string name = flow_->name_of(node);
    if (!name.starts_with("by_function")) continue;
    const std::int64_t n = std::stoll(name.substr(name.find('=') + 1));
    EXPECT_EQ((*found[i])->threads, n % 3) << name;
    EXPECT_EQ(std::get<std::int64_t>((*found[i])->resources.at(0).second), 2 * n) << name;
  }
}

TEST_F(JobDemandsTest, AFailedFunctionConcernsOnlyItsJob) {
  plan({rule("a").output("{n}").threads(FunctionValue{1})}, {"1", "2"});
  flow_->evaluator.answer_details = [](const DetailQuestion& question) -> Result<DetailAnswer> {
    if (question.job.wildcards.at(0).second == "1") return fail("NameError: x");
    return DetailAnswer{};
  };
  const auto found = find();
  ASSERT_FALSE(found[0]);
  EXPECT_THAT(found[0].error().to_string(), AllOf(HasSubstr("Snakefile:"), HasSubstr("NameError: x")));
  EXPECT_TRUE(found[1]);
}

TEST_F(JobDemandsTest, CombinesTheRulesValuesWithThoseOfFunctions) {
  plan({rule("a")
            .output("a")
            .threads(FunctionValue{1})
            .resource("mem_mb", std::int64_t{7})
            .resource("disk_mb", FunctionValue{2})},
       {"a"});
  flow_->evaluator.answer_details = [](const DetailQuestion&) -> Result<DetailAnswer> {
    return DetailAnswer{2, {{"disk_mb", std::int64_t{9}}}, {}};
  };
  EXPECT_EQ(amount("mem_mb"), 7);
  EXPECT_EQ(amount("disk_mb"), 9);
  EXPECT_EQ(amount("cores"), 2);
}

// The evaluator knows the limits, and tells functions what the job gets or what its rule asks for, as it is asked.
TEST_F(JobDemandsTest, TheEvaluatorIsAskedWithTheThreadsOfTheRule) {
  plan({rule("a").output("a").threads(std::int64_t{64}).resource("mem_mb", FunctionValue{1})}, {"a"});
  std::int64_t seen = 0;
  flow_->evaluator.answer_details = [&](const DetailQuestion& question) -> Result<DetailAnswer> {
    seen = question.job.threads;
    return DetailAnswer{100, {}, {}};
  };
  EXPECT_EQ((*find().front())->threads, kCoresHere);
  EXPECT_EQ(seen, 64);
}

TEST_F(JobDemandsTest, EqualDemandsShareAnId) {
  plan({rule("a").output("a").resource("mem_mb", std::int64_t{1}),
        rule("b").output("b").resource("mem_mb", std::int64_t{1}),
        rule("c").output("c").resource("mem_mb", std::int64_t{2})},
       {"a", "b", "c"});
  const auto found = find();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ((*found[0])->id, (*found[1])->id);
  EXPECT_NE((*found[0])->id, (*found[2])->id);
}

}  // namespace
}  // namespace furrow::workflow
