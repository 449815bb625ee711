#include "workflow/jobs/preview.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "support/temporary_folder.hpp"
#include "support/workflow_maker.hpp"

namespace furrow::workflow {
namespace {

using support::rule;
using support::Workflow;
using support::write;
using ::testing::HasSubstr;

class PreviewTest : public testing::Test {
 protected:
  void plan(Workflow::Rules rules, const std::vector<std::string>& targets) {
    flow_ = std::make_unique<Workflow>(std::move(rules));
    const auto planned = flow_->plan(targets);
    ASSERT_TRUE(planned) << planned.error().to_string();
    demands_ = std::make_unique<JobDemands>(flow_->dag, flow_->rules, flow_->evaluator, resources_, 4);
    flow_->evaluator.answer_describe = [this](const JobView& view) {
      described_[view.output.front()] = view;
      return Preparation{};
    };
  }
  Result<Preparation> look(const std::string& file, const std::set<std::string>& due) {
    Preview preview(flow_->dag, flow_->rules, flow_->states, flow_->evaluator, *demands_, [&](NodeId node) {
      return due.contains(std::string(flow_->dag.files.view(flow_->dag.outputs(node, flow_->rules).front())));
    });
    const NodeId node = flow_->job(file);
    return std::move(preview.of({&node, 1}).front());
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<Workflow> flow_;
  plan::Resources resources_;
  std::unique_ptr<JobDemands> demands_;
  std::map<std::string, JobView> described_;
};

TEST_F(PreviewTest, ThreadsAreCappedAsInTheRun) {
  plan({rule("a").output("a").threads(std::int64_t{64})}, {"a"});
  ASSERT_TRUE(look("a", {"a"}));
  EXPECT_EQ(described_.at("a").threads, 4);
}

TEST_F(PreviewTest, AJobWhoseInputsAreYetToBeMadeIsMarked) {
  write("source");
  write("a");
  plan({rule("b").output("b").input("a"), rule("a").output("a").input("source")}, {"b"});
  ASSERT_TRUE(look("b", {"a", "b"}));
  EXPECT_TRUE(described_.at("b").is_preview);
  ASSERT_TRUE(look("b", {"b"}));
  EXPECT_FALSE(described_.at("b").is_preview);
  ASSERT_TRUE(look("a", {"a", "b"}));
  EXPECT_FALSE(described_.at("a").is_preview);
}

TEST_F(PreviewTest, FunctionsOfAJobThatWaitsAreAskedWithItsCommandOnly) {
  plan({rule("b").output("b").input("a").threads(FunctionValue{}), rule("a").output("a")}, {"b"});
  EXPECT_TRUE(look("b", {"a", "b"}));
  EXPECT_TRUE(flow_->evaluator.detail_batches.empty());
}

TEST_F(PreviewTest, AFunctionThatFailsIsAnErrorOfItsJob) {
  plan({rule("a").output("a").threads(FunctionValue{})}, {"a"});
  flow_->evaluator.answer_details = [](const auto&) { return fail("no such key"); };
  const auto seen = look("a", {"a"});
  ASSERT_FALSE(seen);
  EXPECT_THAT(seen.error().to_string(), HasSubstr("Snakefile:"));
  EXPECT_TRUE(described_.empty());
}

TEST_F(PreviewTest, AnErrorOfACommandSaysWhereItsRuleIs) {
  plan({rule("a").output("a")}, {"a"});
  flow_->evaluator.answer_describe = [](const auto&) { return fail("the name 'x' is unknown here"); };
  EXPECT_THAT(look("a", {"a"}).error().to_string(), HasSubstr("Snakefile:"));
}

TEST_F(PreviewTest, AProtectedOutputIsAnError) {
  write("a");
  ASSERT_TRUE(os::set_writable("a", false));
  plan({rule("a").output("a")}, {"a"});
  EXPECT_THAT(look("a", {"a"}).error().message, HasSubstr("write-protected"));
}

}  // namespace
}  // namespace furrow::workflow
