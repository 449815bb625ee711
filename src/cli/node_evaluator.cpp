#include "cli/node_evaluator.hpp"

#include <cstdlib>
#include <utility>

#include "os/files/files.hpp"
#include "workflow/rules/glob.hpp"

namespace furrow::cli {

Result<snakefile::GlobAnswer> answer_glob(const snakefile::GlobQuestion& question) {
  auto matches = FURROW_TRY(workflow::glob_wildcards(question.pattern, question.follow_links));
  return snakefile::GlobAnswer{std::move(matches.names), std::move(matches.values)};
}

Result<std::unique_ptr<snakefile::EvaluatorProcess>> start_node_evaluator(const exec::BatchEvaluator& recipe,
                                                                          os::EventLoop& loop,
                                                                          os::Watchdog& watchdog) {
  snakefile::EvaluatorOptions options;
  options.python = recipe.python;
  options.watchdog_fd = watchdog.table_fd();
  options.glob = answer_glob;
  // A `workdir:` in the Snakefile is relative to the folder in which the engine ran the Snakefile.
  const std::string here = os::current_directory();
  FURROW_TRY(os::change_directory(recipe.directory));
  auto evaluator = snakefile::EvaluatorProcess::start(std::move(options));
  if (!evaluator) return evaluator;
  auto loaded = FURROW_TRY((*evaluator)->load_again(recipe.load));
  for (const auto& [name, value] : loaded.environment) {
    value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
  }
  (*evaluator)->attach(loop);
  FURROW_TRY(os::change_directory(here));
  return evaluator;
}

NodeForks::NodeForks(exec::BatchEvaluator recipe, os::EventLoop& loop, os::Watchdog& watchdog)
    : recipe_(std::move(recipe)), loop_(loop), watchdog_(watchdog) {}

NodeForks::~NodeForks() {
  if (evaluator_ && *evaluator_) (*evaluator_)->detach();
}

void NodeForks::set_fork_listener(Listener* listener) {
  listener_ = listener;
  if (evaluator_ && *evaluator_) (*evaluator_)->set_fork_listener(listener);
}

void NodeForks::fork_child(std::uint64_t tag, std::uint32_t slot, const std::string& payload, int out_fd,
                           int err_fd) {
  if (evaluator_ && !*evaluator_) {
    evaluator_ = start_node_evaluator(recipe_, loop_, watchdog_);
    if (evaluator_) (*evaluator_)->set_fork_listener(listener_);
  }
  if (!evaluator_) return listener_->on_forked(tag, fail(evaluator_.error()));
  (*evaluator_)->fork_child(tag, slot, payload, out_fd, err_fd);
}

}  // namespace furrow::cli
