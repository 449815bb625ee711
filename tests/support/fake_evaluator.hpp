// An evaluator without Python: functions of the test answer, and the size of every batch is recorded.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workflow/rules/evaluator.hpp"

namespace furrow::support {

class FakeEvaluator final : public workflow::Evaluator {
 public:
  std::function<workflow::InputAnswer(const workflow::InputQuestion&)> answer_inputs = [](const auto&) {
    return fail("the test set no answer");
  };
  std::function<Result<workflow::DetailAnswer>(const workflow::DetailQuestion&)> answer_details =
      [](const auto&) { return fail("the test set no answer"); };
  std::vector<std::size_t> input_batches, detail_batches;  // the number of questions in each call

  std::vector<workflow::InputAnswer> inputs(std::span<const workflow::InputQuestion> jobs) override {
    input_batches.push_back(jobs.size());
    std::vector<workflow::InputAnswer> answers;
    for (const auto& job : jobs) answers.push_back(answer_inputs(job));
    return answers;
  }
  std::vector<std::string> finished_checkpoints;
  Result<void> finished(std::span<const std::string> outputs) override {
    finished_checkpoints.insert(finished_checkpoints.end(), outputs.begin(), outputs.end());
    return {};
  }
  std::vector<Result<workflow::DetailAnswer>> details(
      std::span<const workflow::DetailQuestion> jobs) override {
    detail_batches.push_back(jobs.size());
    std::vector<Result<workflow::DetailAnswer>> answers;
    for (const auto& job : jobs) answers.push_back(answer_details(job));
    return answers;
  }
  std::function<Result<workflow::Preparation>(const workflow::JobView&)> answer_describe = [](const auto&) {
    return workflow::Preparation{};
  };
  std::vector<Result<workflow::Preparation>> describe(std::span<const workflow::JobView> jobs) override {
    std::vector<Result<workflow::Preparation>> answers;
    for (const auto& job : jobs) answers.push_back(answer_describe(job));
    return answers;
  }
  void prepare(std::span<const workflow::JobView> jobs, workflow::PrepareCallback done) override {
    done(std::vector<Result<workflow::Preparation>>(jobs.size()));
  }
  std::vector<Result<workflow::SubmissionWords>> submission(std::span<const workflow::JobView> jobs,
                                                            const std::string& text) override {
    return std::vector<Result<workflow::SubmissionWords>>(jobs.size(), workflow::SubmissionWords{text, "{}"});
  }
  Result<void> hook(const std::string&, const std::string&) override { return {}; }
};

// The answer of an input function that returns these files.
inline workflow::InputAnswer files_answer(const std::vector<std::string>& files) {
  workflow::Entry entry{.is_list = true};
  for (const std::string& file : files) entry.items.push_back({file, workflow::kLiteral});
  return std::vector<std::vector<workflow::Entry>>{{entry}};
}

// The answer of an input function that waits for the checkpoint job that makes FILE.
inline workflow::InputAnswer waiting_answer(const std::string& file) {
  workflow::Entry entry{.waits = true};
  entry.items.push_back({file, workflow::kLiteral});
  return std::vector<std::vector<workflow::Entry>>{{entry}};
}

}  // namespace furrow::support
