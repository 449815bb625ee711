// --output: what each job makes. A job whose outputs are there and newer than its inputs is not run; outputs
// of a job that failed are removed; and both is recorded in the store, as for the jobs of a workflow.
//
// Inputs are those of a job's values that name a file. A record under the name of the first output says which
// job made it: where it says another command or another end than a good one, times say nothing. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "command/job_feed.hpp"
#include "command/template/template.hpp"
#include "plan/executor.hpp"
#include "store/store.hpp"

namespace furrow::command {

class JobOutputs {
 public:
  // Borrows all.
  JobOutputs(const CommandTemplate& command, const std::vector<CommandTemplate>& templates,
             store::Store& store)
      : command_(command), templates_(templates), store_(store) {}

  // Sets what the job makes; whether that is there and up to date.
  Result<bool> is_fresh(MapJob& job, const RenderContext& context);
  Result<void> starting(const MapJob& job);
  Result<void> finished(const MapJob& job, const plan::Exit& exit);
  void failed(const MapJob& job, const plan::Exit& exit);
  Result<void> commit();

 private:
  store::JobRecord record(const MapJob& job, store::JobPhase phase) const;
  Result<void> put(const store::JobRecord& record);
  std::uint64_t identity(const MapJob& job) const;

  const CommandTemplate& command_;
  const std::vector<CommandTemplate>& templates_;
  store::Store& store_;
  bool is_open_ = false;  // a transaction
};

}  // namespace furrow::command
