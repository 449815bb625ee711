// The user's own python3 as a process beside the engine: runs the Snakefile and answers for its functions.
//
// Its states are those of its EvaluatorConnection: once that is over, every question is answered with one
// error that says what happened.
//
// Calls that return a value block, serve the evaluator's own questions meanwhile, and end early if the run is
// stopped. The others answer from the event loop that the object is attached to. Callbacks may call any
// member, but must not destroy the object. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"
#include "snakefile/evaluator_options.hpp"
#include "snakefile/load_decoder.hpp"
#include "snakefile/report_question.hpp"
#include "workflow/rules/evaluator.hpp"

namespace furrow::snakefile {

class EvaluatorConnection;

class EvaluatorProcess final : public workflow::Evaluator, public plan::ForkService {
 public:
  // Returns as soon as the process is started, so that it starts up while the engine does.
  static Result<std::unique_ptr<EvaluatorProcess>> start(EvaluatorOptions options);
  ~EvaluatorProcess() override;  // waits until the process has ended

  // Tells the process to end, which takes it a while. Requests fail from now on.
  void close();

  Result<LoadAnswer> load(const LoadRequest& request);
  // Loads the same Snakefile in another process. Must be the first call; MESSAGE comes from first_message().
  Result<LoadAnswer> load_again(const std::string& message);
  static std::string first_message(const LoadRequest& request);

  // From now on LOOP answers the calls that do not block. Borrowed; must outlive this object or its detach().
  void attach(os::EventLoop& loop);
  void detach();

  std::vector<workflow::InputAnswer> inputs(std::span<const workflow::InputQuestion> jobs) override;
  Result<void> finished(std::span<const std::string> outputs) override;
  Result<bool> has_queue_news() override;
  std::vector<Result<workflow::DetailAnswer>> details(
      std::span<const workflow::DetailQuestion> jobs) override;
  std::vector<Result<workflow::Preparation>> describe(std::span<const workflow::JobView> jobs) override;
  void prepare(std::span<const workflow::JobView> jobs, workflow::PrepareCallback done) override;
  std::vector<Result<workflow::SubmissionWords>> submission(std::span<const workflow::JobView> jobs,
                                                            const std::string& text) override;
  Result<void> hook(const std::string& name, const std::string& log_path) override;

  // A text about the Snakefile: "translation", "lint" or "lint json"; and whether there was anything to say.
  Result<std::pair<std::string, bool>> text(const std::string& what);

  Result<ReportAnswer> report(const ReportQuestion& question);
  // Writes an archive at PATH: PAGE, which is removed, and FILES, pairs of a file and its name there.
  Result<void> archive(const std::string& path, const std::string& page,
                       const std::vector<std::pair<std::string, std::string>>& files);

  void set_fork_listener(Listener* listener) override;
  void fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload, int out_fd,
                  int err_fd) override;

  int pid() const;                    // -1 once dead
  const std::string& python() const;  // the program that was started

 private:
  explicit EvaluatorProcess(std::unique_ptr<EvaluatorConnection> connection);

  Result<LoadAnswer> load(std::uint64_t id, const std::string& message, const std::string& about);

  std::unique_ptr<EvaluatorConnection> connection_;
  std::vector<std::string> rule_names_;  // by rule id, for errors
};

}  // namespace furrow::snakefile
