// Any batch system, driven by user-supplied commands as in Snakemake 7:
//
//   submit   gets the path of a script as its last word, and prints the job's name on its first line
//   status   gets the name, and prints "running", "success" or "failed"
//   cancel   gets names
//
// If `submit` is Slurm's sbatch, the other two may be left out: then SlurmSystem asks and cancels.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/side_commands.hpp"
#include "exec/cluster/slurm_system.hpp"

namespace furrow::exec {

struct CommandOptions {
  std::string submit{}, status{}, cancel{};
  std::size_t cancel_names = 1000;  // at most so many names in one command
  double statuses_per_s = 10;
};

class CommandSystem : public BatchSystem {
 public:
  CommandSystem(os::EventLoop& loop, CommandOptions options);
  ~CommandSystem() override;

  const char* name() const override { return is_slurm_ ? "Slurm" : "cluster"; }
  void figures(std::function<void(const SystemFigures&)> done) override { done({}); }
  void submit(const Submission& submission, std::function<void(Result<std::string> name)> done) override;
  std::string batch_name(const std::string& name, std::size_t, std::size_t) const override { return name; }
  void ask(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) override;
  void remember(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) override;
  void cancel(const std::vector<std::string>& batches, bool at_once, std::function<void()> done) override;
  std::string shell() const override { return commands_.shell(); }
  bool is_divisible(const Allocation& asked) const override { return slurm_.is_divisible(asked); }
  bool can_ask() const override { return is_slurm_ || !options_.status.empty(); }

 private:
  struct Round;
  void ask_next(const std::shared_ptr<Round>& round);

  os::EventLoop& loop_;
  const CommandOptions options_;
  const bool is_slurm_;
  SlurmSystem slurm_;
  std::uint64_t timer_ = 0;
  SideCommands commands_;
};

}  // namespace furrow::exec
