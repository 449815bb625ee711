// The user's own python3 as a process beside the engine: runs the Snakefile and answers for its functions.
//
// States: starting (the process is there, nothing was asked) -> serving -> dead. It dies with its socket:
// when the process ended, when it said something that is no protocol, when a call was stopped, and in the
// destructor. From then on every open and every new question is answered with one error that says what
// happened, and each forked child that was still running is reported as killed.
//
// Calls that return block, serve the evaluator's own questions meanwhile, and end early once asked to stop.
// The others answer from the event loop that it is attached to. Callbacks may call any member; none may
// destroy the object. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "os/event_loop.hpp"
#include "plan/executor.hpp"
#include "snakefile/decoder.hpp"
#include "snakefile/encoder.hpp"
#include "workflow/evaluator.hpp"

namespace furrow::snakefile {

struct EvaluatorOptions {
  std::string python{};     // --python; empty: FURROW_PYTHON, else the first python3 on PATH
  std::string evaluator{};  // the folder of main.py; empty: FURROW_EVALUATOR, else beside this program
  int guard_fd =
      -1;  // the guard's table, for children to write their pids in; borrowed for the call; -1: none
  std::function<Result<GlobAnswer>(const GlobQuestion&)> glob{};  // answers glob_wildcards
  std::function<bool()> stopping{};                               // polled while a call blocks; true ends it
  int stop_fd = -1;  // wakes a blocking call when it becomes readable; borrowed; -1: none
};

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
  struct State;
  explicit EvaluatorProcess(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace furrow::snakefile
