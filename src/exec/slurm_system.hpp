// Slurm, by its commands: sbatch, squeue, scancel, sacct, scontrol, sinfo.
#pragma once

#include <memory>
#include <string>

#include "exec/batch_system.hpp"
#include "exec/side_commands.hpp"

namespace furrow::exec {

class SlurmSystem : public BatchSystem {
 public:
  explicit SlurmSystem(os::EventLoop& loop) : commands_(loop) {}

  const char* name() const override { return "Slurm"; }
  void figures(std::function<void(const SystemFigures&)> done) override;
  void submit(const Submission& submission, std::function<void(Result<std::string> name)> done) override;
  std::string batch_name(const std::string& name, std::size_t index, std::size_t batches) const override;
  void ask(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) override;
  void remember(const std::string& batch, std::function<void(std::optional<BatchState>)> done) override;
  void cancel(const std::vector<std::string>& batches, bool at_once) override;

 private:
  SideCommands commands_;
};

// The command that submits; and what the answers of Slurm's commands say.
std::string sbatch_command(const Submission& submission);
BatchStates read_squeue(const std::string& text);
SystemFigures read_figures(const std::string& config, const std::string& nodes);
// The number that sbatch prints, with --parsable or without; empty: there is none.
std::string read_sbatch(const std::string& text);

}  // namespace furrow::exec
