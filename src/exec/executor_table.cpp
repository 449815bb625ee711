#include "exec/executor_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.hpp"
#include "exec/cluster/cluster_executor.hpp"
#include "exec/cluster/command_system.hpp"
#include "exec/cluster/slurm_system.hpp"
#include "exec/local/local_executor.hpp"

namespace furrow::exec {

namespace {

std::unique_ptr<plan::Executor> make_local(const ExecutorSettings&, ExecutorContext context) {
  return std::make_unique<LocalExecutor>(context.loop, context.watchdog, context.forks, context.sink,
                                         std::move(context.local_options));
}

std::unique_ptr<plan::Executor> make_mpi(const ExecutorSettings&, ExecutorContext context) {
  return std::make_unique<MpiExecutor>(context.loop, *context.ranks, *context.local, context.sink,
                                       std::move(context.mpi_options));
}

std::unique_ptr<plan::Executor> make_cluster(std::unique_ptr<BatchSystem> system, ExecutorContext context) {
  return std::make_unique<ClusterExecutor>(context.loop, std::move(system), *context.needs, context.sink,
                                           std::move(context.cluster_options));
}

std::unique_ptr<plan::Executor> make_slurm(const ExecutorSettings&, ExecutorContext context) {
  auto system = std::make_unique<SlurmSystem>(context.loop);
  return make_cluster(std::move(system), std::move(context));
}

std::unique_ptr<plan::Executor> make_generic(const ExecutorSettings& settings, ExecutorContext context) {
  CommandOptions options{.submit = settings.submit,
                         .status = settings.status,
                         .cancel = settings.cancel,
                         .cancel_names = static_cast<std::size_t>(settings.cancel_names),
                         .statuses_per_s = settings.statuses_per_s};
  auto system = std::make_unique<CommandSystem>(context.loop, std::move(options));
  return make_cluster(std::move(system), std::move(context));
}

constexpr auto kTypes = std::to_array<ExecutorType>({
    {.name = "local",
     .title = "this machine",
     .is_selectable = true,
     .is_cluster = false,
     .shares_submissions = false,
     .takes_commands = false,
     .is_for_map = true,
     .make = make_local},
    {.name = "slurm",
     .title = "Slurm",
     .is_selectable = true,
     .is_cluster = true,
     .shares_submissions = true,
     .takes_commands = false,
     .is_for_map = true,
     .make = make_slurm},
    {.name = "cluster-generic",
     .title = "a cluster",
     .is_selectable = true,
     .is_cluster = true,
     .shares_submissions = false,
     .takes_commands = true,
     .is_for_map = false,
     .make = make_generic},
    {.name = "mpi",
     .title = "the ranks of mpirun or srun",
     .is_selectable = false,
     .is_cluster = false,
     .shares_submissions = false,
     .takes_commands = false,
     .is_for_map = true,
     .make = make_mpi},
});

}  // namespace

const ExecutorType& ExecutorSettings::type() const { return *find_executor(name); }

bool ExecutorSettings::is_cluster() const { return type().is_cluster; }

std::span<const ExecutorType> executor_types() { return kTypes; }

const ExecutorType* find_executor(std::string_view name) {
  const auto* const found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const ExecutorType& type) { return type.name == name; });
  return found == kTypes.end() ? nullptr : found;
}

std::string executor_names(bool for_map) {
  std::vector<std::string> names;
  for (const ExecutorType& type : kTypes)
    if (type.is_selectable && (type.is_for_map || !for_map)) names.emplace_back(type.name);
  return join(names, ", ");
}

std::unique_ptr<plan::Executor> make_executor(std::string_view name, const ExecutorSettings& settings,
                                              ExecutorContext context) {
  return find_executor(name)->make(settings, std::move(context));
}

}  // namespace furrow::exec
