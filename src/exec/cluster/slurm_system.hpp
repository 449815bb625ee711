// Slurm, driven by its commands: sbatch, squeue, scancel, sacct, scontrol, sinfo.
//
// If the controller has answered before and stops answering, a submission is retried for half an hour. A
// submission that arrived although its answer was lost does no harm: of two runners of a batch, only the one
// that claims it first runs it. A full queue is waited for.
//
// A batch on another cluster of a federation is called "12_3;CLUSTER", and is asked for and cancelled there.
#pragma once

#include <memory>
#include <string>

#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/side_commands.hpp"
#include "exec/cluster/slurm_options.hpp"

namespace furrow::exec {

class SlurmSystem : public BatchSystem {
 public:
  explicit SlurmSystem(os::EventLoop& loop) : loop_(loop), commands_(loop) {}
  ~SlurmSystem() override { loop_.cancel(again_timer_); }

  const char* name() const override { return "Slurm"; }
  void figures(std::function<void(const SystemFigures&)> done) override;
  void submit(const Submission& submission, std::function<void(Result<std::string> name)> done) override;
  std::string batch_name(const std::string& name, std::size_t index, std::size_t batches) const override;
  void ask(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) override;
  void remember(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) override;
  void cancel(const std::vector<std::string>& batches, bool at_once, std::function<void()> done) override;

  std::string shell() const override { return commands_.shell(); }
  std::string full_name(const std::string& own, const std::string& submitted) const override;
  bool is_divisible(const Allocation& asked) const override { return exec::is_divisible(asked); }

 private:
  struct Asked {
    std::string command;
    std::function<void(Result<std::string> name)> done;
    bool is_one = true;  // a single job, no array
    double since = 0, pause_s = 0;
  };
  void submit(const std::shared_ptr<Asked>& asked);

  os::EventLoop& loop_;
  SideCommands commands_;
  bool has_answered_ = false;  // whether the controller has answered at least once
  std::uint64_t again_timer_ = 0;
};

// The command that submits, and parsers for the answers of Slurm's commands.
std::string sbatch_command(const Submission& submission);
// The lines of squeue, or of sacct: NAME|STATE|NODE; and "CLUSTER: NAME" before those of another cluster.
BatchStates read_states(const std::string& text);
SystemFigures read_figures(const std::string& config, const std::string& nodes);
// Whether a failed command means that Slurm's controller does not answer, rather than that it refuses.
bool is_away(const CommandAnswer& answer);
// Whether it was refused because this user, or an account, has as many jobs in the queue as it may.
bool is_full(const CommandAnswer& answer);
// The job number that sbatch prints, with --parsable or without, and ";CLUSTER" if it says so; empty
// if there is none.
std::string read_sbatch(const std::string& text);

}  // namespace furrow::exec
