// The evaluator once more, on a node where jobs run: `run:` blocks are forked from it.
#pragma once

#include <memory>

#include "exec/batch/batch_file.hpp"
#include "os/events/event_loop.hpp"
#include "os/process/guard.hpp"
#include "snakefile/evaluator_process.hpp"

namespace furrow::cli {

// What any evaluator is told when its Snakefile asks for files.
Result<snakefile::GlobAnswer> answer_glob(const snakefile::GlobQuestion& question);

// Starts the Python that RECIPE names and runs the Snakefile there; takes the environment that it leaves;
// ends in the folder in which it was called. Serves LOOP from then on. Borrows both.
Result<std::unique_ptr<snakefile::EvaluatorProcess>> start_node_evaluator(const exec::BatchEvaluator& recipe,
                                                                          os::EventLoop& loop,
                                                                          os::Guard& guard);

// Starts it when the first block comes. Where it cannot be started, each block fails for that reason.
class NodeForks final : public plan::ForkService {
 public:
  NodeForks(exec::BatchEvaluator recipe, os::EventLoop& loop, os::Guard& guard);
  ~NodeForks() override;
  void set_fork_listener(Listener* listener) override;
  void fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload, int out_fd,
                  int err_fd) override;

 private:
  const exec::BatchEvaluator recipe_;
  os::EventLoop& loop_;
  os::Guard& guard_;
  Listener* listener_ = nullptr;
  Result<std::unique_ptr<snakefile::EvaluatorProcess>> evaluator_{nullptr};
};

}  // namespace furrow::cli
