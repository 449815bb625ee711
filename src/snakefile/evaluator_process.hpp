// The user's own python3 as a process beside the engine: runs the Snakefile and answers for its functions.
//
// Its states are those of the Dialogue (dialogue.hpp) under it: once that is over, every question is answered
// with one error that says what happened.
//
// Calls that return block, serve the evaluator's own questions meanwhile, and end early once asked to stop.
// The others answer from the event loop that it is attached to. Callbacks may call any member; none may
// destroy the object. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"
#include "snakefile/evaluator_options.hpp"
#include "snakefile/load_decoder.hpp"
#include "workflow/rules/evaluator.hpp"

namespace furrow::snakefile {

class Dialogue;

class EvaluatorProcess final : public workflow::Evaluator, public plan::ForkService {
 public:
  // Returns as soon as the process was started, so that its start-up goes on beside the engine's.
  static Result<std::unique_ptr<EvaluatorProcess>> start(EvaluatorOptions options);
  ~EvaluatorProcess() override;

  Result<LoadAnswer> load(const LoadRequest& request);
  // The same request once more, in another process: MESSAGE as first_message() gave it. The first call.
  Result<LoadAnswer> load_again(const std::string& message);
  static std::string first_message(const LoadRequest& request);

  // From here on LOOP answers what does not block. Borrowed; must outlive this object or its detach().
  void attach(os::EventLoop& loop);
  void detach();

  std::vector<workflow::InputAnswer> inputs(std::span<const workflow::InputQuestion> jobs) override;
  std::vector<Result<workflow::DetailAnswer>> details(
      std::span<const workflow::DetailQuestion> jobs) override;
  std::vector<Result<workflow::Preparation>> describe(std::span<const workflow::JobView> jobs) override;
  void prepare(std::span<const workflow::JobView> jobs, workflow::PrepareCallback done) override;
  std::vector<Result<workflow::SubmissionWords>> submission(std::span<const workflow::JobView> jobs,
                                                            const std::string& text) override;
  Result<void> hook(const std::string& name, const std::string& log_path) override;

  void set_fork_listener(Listener* listener) override;
  void fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload, int out_fd,
                  int err_fd) override;

  int pid() const;                    // -1 once dead
  const std::string& python() const;  // the program that was started

 private:
  explicit EvaluatorProcess(std::unique_ptr<Dialogue> dialogue);

  Result<LoadAnswer> load(std::uint64_t id, const std::string& message, const std::string& about);

  std::unique_ptr<Dialogue> dialogue_;
  std::vector<std::string> rule_names_;  // by number, for errors
};

}  // namespace furrow::snakefile
