// The part of WorkflowSource that turns the evaluator's answers into launches, in the software environment of each job.
#include <memory>
#include <utility>

#include "deploy/container_job.hpp"
#include "os/files/files.hpp"
#include "plan/node_folder.hpp"
#include "workflow/dag/refusal.hpp"
#include "workflow/jobs/job_environment.hpp"
#include "workflow/workflow_source.hpp"

namespace furrow::workflow {

void WorkflowSource::take_preparation(plan::JobId job, int attempt, Result<Preparation> preparation) {
  if (!preparation) {
    const Rule& rule = rules_[dag_.node(nodes_[job]).rule].rule;
    listener_->on_prepared(job, attempt, fail(located(std::move(preparation.error()), rule)));
    return;
  }
  const deploy::Environment& environment = environment_of(job, *preparation);
  if (!environments_ || environments_->environments().is_ready(environment))
    return give_launch(job, attempt, std::move(*preparation));
  // The files of what was prepared are shared with the callback, which has to be copied.
  auto kept = std::make_shared<Preparation>(std::move(*preparation));
  environments_->environments().set_up(
      environment, [this, alive = std::weak_ptr<bool>(alive_), job, attempt, kept](Result<void> done) {
        if (alive.expired()) return;
        if (done) return give_launch(job, attempt, std::move(*kept));
        if (!kept->launch.scratch.empty()) (void)os::remove_tree(kept->launch.scratch);
        const Rule& rule = rules_[dag_.node(nodes_[job]).rule].rule;
        listener_->on_prepared(job, attempt, fail(located(std::move(done.error()), rule)));
      });
}

const deploy::Environment& WorkflowSource::environment_of(plan::JobId job, const Preparation& preparation) {
  static const deploy::Environment kNone;
  if (environments_ == nullptr) return kNone;
  if (preparation.environment) environments_->set(nodes_[job], *preparation.environment);
  return environments_->of(nodes_[job]);
}

void WorkflowSource::give_launch(plan::JobId job, int attempt, Preparation preparation) {
  Result<plan::Launch> launch = launch_of(job, attempt, std::move(preparation));
  if (const auto member = members_.find(job); launch && attempt == 1 && member != members_.end())
    member->second.launch = *launch;
  listener_->on_prepared(job, attempt, std::move(launch));
}

Result<plan::Launch> WorkflowSource::launch_of(plan::JobId job, int attempt, Preparation preparation) {
  Running& running = running_[job];
  running.params = std::move(preparation.params);
  running.message = plan::with_node_folder(std::move(preparation.message), "$TMPDIR");
  running.command = plan::with_node_folder(preparation.launch.command, "$TMPDIR");
  plan::Launch& launch = preparation.launch;
  if (environments_ != nullptr)
    FURROW_TRY(environments_->environments().apply(environments_->of(nodes_[job]), launch));
  launch.watch_memory = !rules_[dag_.node(nodes_[job]).rule].benchmarks.empty();
  if (launch.kind == plan::Launch::Kind::kShell || launch.kind == plan::Launch::Kind::kProgram) {
    add_job_environment(*demand_of(job, attempt), launch.environment);
    if (!options_.run.empty())
      launch.environment.emplace_back(store::OuterJob::kVariable,
                                      store::OuterJob::variable_for(options_.run, key(job)));
    FURROW_TRY(contain(job, attempt, std::move(preparation.folders), launch));
  }
  return std::move(launch);
}

Result<void> WorkflowSource::contain(plan::JobId job, int attempt, std::vector<std::string> folders,
                                     plan::Launch& launch) {
  if (environments_ == nullptr || environments_->of(nodes_[job]).image.empty()) return {};
  const deploy::ContainerPlace place{view(job, attempt).directory, std::move(folders)};
  return environments_->environments().contain(environments_->of(nodes_[job]), place, launch);
}

}  // namespace furrow::workflow
