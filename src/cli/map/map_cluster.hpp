// The jobs of a `furrow map` on a cluster: `--executor slurm`.
#pragma once

#include <memory>
#include <string>

#include "cli/map/map_options.hpp"
#include "command/log/joblog.hpp"
#include "command/map_source.hpp"
#include "exec/cluster/cluster_executor.hpp"

namespace furrow::cli {

class MapCluster final : public exec::NeedsSource {
 public:
  // Borrows all; LOG may be null. Batches lie beside the log, where a later run with that log finds them, or
  // else in a folder of this process's own.
  MapCluster(const MapOptions& options, const command::MapSource& source, command::Joblog* log,
             os::EventLoop& loop, exec::OutputSink& sink, std::string scratch);
  ~MapCluster() override;

  // Takes over what a killed run with this log has left running; refuses to begin beside it.
  Result<void> adopt();
  plan::Executor& executor() { return cluster_; }
  void finish();  // all is logged

  exec::ClusterNeeds needs(const plan::Attempt& attempt) override;
  std::vector<Result<Words>> words(std::span<const plan::Attempt* const> attempts) override;

 private:
  const MapOptions& options_;
  const command::MapSource& source_;
  command::Joblog* const log_;
  exec::Allocation allocation_;
  const std::string shelf_;
  exec::ClusterExecutor cluster_;
};

// An error names what cannot be had on a cluster.
Result<void> check_map_cluster(const MapOptions& options);
// What cannot be had on the ranks that mpirun or srun has started.
Result<void> check_map_ranks(const MapOptions& options);

}  // namespace furrow::cli
