// Runs the jobs of a `furrow map` on a cluster: `--executor slurm`.
#pragma once

#include <memory>
#include <string>

#include "cli/map/map_command_options.hpp"
#include "command/log/joblog.hpp"
#include "command/map_source.hpp"
#include "exec/executor_table.hpp"

namespace furrow::cli {

class MapCluster final : public exec::NeedsSource {
 public:
  // Borrows everything; LOG may be null. Batches lie next to the log, where a later run with that log finds
  // them; without a log, in a folder of this process's own.
  MapCluster(const MapCommandOptions& options, const command::MapSource& source, command::Joblog* log,
             os::EventLoop& loop, exec::OutputSink& sink, std::string scratch);
  ~MapCluster() override;

  // Takes over jobs that a killed run with this log has left running; fails if this run must not start beside
  // them.
  Result<void> adopt();
  plan::Executor& executor() { return *cluster_; }
  void finish();  // call it when everything is logged

  exec::ClusterNeeds needs(const plan::Attempt& attempt) override;
  std::vector<Result<Words>> words(std::span<const plan::Attempt* const> attempts) override;

 private:
  std::unique_ptr<plan::Executor> cluster_executor(os::EventLoop& loop, exec::OutputSink& sink,
                                                   std::string scratch);

  const MapCommandOptions& options_;
  const command::MapSource& source_;
  command::Joblog* const log_;
  exec::Allocation allocation_;
  const std::string spool_;
  const std::unique_ptr<plan::Executor> cluster_;
};

// An error names an option that does not work on a cluster.
Result<void> check_map_cluster(const MapCommandOptions& options);
// An error names an option that does not work on the ranks that mpirun or srun has started.
Result<void> check_map_ranks(const MapCommandOptions& options);

}  // namespace furrow::cli
