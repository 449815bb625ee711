// A second evaluator, on a node where jobs run: `run:` blocks are forked from it.
#pragma once

#include <memory>

#include "exec/batch/batch_spec.hpp"
#include "os/events/event_loop.hpp"
#include "os/process/watchdog.hpp"
#include "snakefile/evaluator_process.hpp"

namespace furrow::cli {

// The answer that every evaluator gets when its Snakefile asks for files.
Result<snakefile::GlobAnswer> answer_glob(const snakefile::GlobQuestion& question);

// Starts the Python that RECIPE names, runs the Snakefile there, and takes over the environment that it sets.
// The current folder stays the same. From then on LOOP serves it. Borrows LOOP and WATCHDOG.
Result<std::unique_ptr<snakefile::EvaluatorProcess>> start_node_evaluator(const exec::BatchEvaluator& recipe,
                                                                          os::EventLoop& loop,
                                                                          os::Watchdog& watchdog);

// Starts the evaluator when the
// first block comes. If it cannot
// be started, each block fails for
// that reason.
class NodeForks final : public plan::ForkService {
 public:
  NodeForks(exec::BatchEvaluator recipe, os::EventLoop& loop, os::Watchdog& watchdog);
  ~NodeForks() override;
  void set_fork_listener(Listener* listener) override;
  void fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload, int out_fd,
                  int err_fd) override;

 private:
  const exec::BatchEvaluator recipe_;
  os::EventLoop& loop_;
  os::Watchdog& watchdog_;
  Listener* listener_ = nullptr;
  Result<std::unique_ptr<snakefile::EvaluatorProcess>> evaluator_{nullptr};
};

}  // namespace furrow::cli
