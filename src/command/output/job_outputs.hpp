// --output: the files that each job makes. A job whose outputs exist and are newer than its inputs does not
// run; the outputs of a failed job are removed; and both are recorded in the store, as for the jobs of a
// workflow.
//
// The inputs are those values of a job that name a file. A record under the name of the first output says
// which job made it. If it names another command, or a job that did not succeed, times do not count. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "command/job_producer.hpp"
#include "command/template/template.hpp"
#include "plan/executor.hpp"
#include "store/store.hpp"

namespace furrow::command {

class JobOutputs {
 public:
  // Borrows everything.
  JobOutputs(const CommandTemplate& command, const std::vector<CommandTemplate>& templates,
             store::Store& store)
      : command_(command), templates_(templates), store_(store) {}

  // Sets the job's outputs.
  void name(MapJob& job, const RenderContext& context) const;
  // Whether the outputs exist and are up to date.
  Result<bool> is_fresh(const MapJob& job) const;
  Result<void> before_start(const MapJob& job);
  Result<void> on_success(const MapJob& job, const plan::Exit& exit);
  void on_failure(const MapJob& job, const plan::Exit& exit);
  Result<void> commit();

 private:
  store::JobRecord record(const MapJob& job, store::JobPhase phase) const;
  Result<void> put(const store::JobRecord& record);
  bool is_trusted(const std::string& key, const store::JobRecord* record) const;
  std::uint64_t identity(const MapJob& job) const;

  const CommandTemplate& command_;
  const std::vector<CommandTemplate>& templates_;
  store::Store& store_;
  bool is_open_ = false;  // whether a transaction is open
};

}  // namespace furrow::command
