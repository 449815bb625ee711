// The executors by name. `furrow run`, `furrow map`, their options, help and errors all follow this one table, so
// a new executor is a row here and a class of its own (docs/design/adding.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/cluster_needs.hpp"
#include "exec/cluster/cluster_options.hpp"
#include "exec/local/local_options.hpp"
#include "exec/output/output_sink.hpp"
#include "exec/ranks/mpi_executor.hpp"
#include "os/events/event_loop.hpp"
#include "os/process/watchdog.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

struct ExecutorType;

// Where jobs run, as the command line or a profile says.
struct ExecutorSettings {
  std::string name = "local";  // a row of the table
  // For executors that take commands: how a job is submitted, asked about and cancelled.
  std::string submit{}, status{}, cancel{};
  std::int64_t cancel_names = 1000;    // how many one cancel command takes
  double statuses_per_s = 10;          // status commands
  std::optional<std::int64_t> jobs{};  // batches in the queue at a time
  std::string packing = "auto";        // one, array, packed
  std::int64_t batch_cores = 0;        // of a packed allocation; 0: of the smallest node
  std::int64_t batch_nodes = 1;        // of a packed allocation
  double status_every_s = 30;          // at first
  double submissions_per_s = 0;        // 0: the executor's default
  std::string precommand{};            // what a node runs before each batch; empty: nothing

  const ExecutorType& type() const;
  bool is_cluster() const;
};

// What an executor is made from. All pointers are borrowed and outlive it; each executor says what it needs.
struct ExecutorContext {
  os::EventLoop& loop;
  OutputSink* sink = nullptr;          // where the output of jobs goes; null: nowhere
  os::Watchdog* watchdog = nullptr;    // local: ends the jobs of an engine that was killed
  plan::ForkService* forks = nullptr;  // local: forks the children for `run:` blocks
  LocalOptions local_options{};        // local
  plan::Executor* local = nullptr;     // mpi: runs what stays on rank 0
  RankSet* ranks = nullptr;            // mpi
  MpiOptions mpi_options{};            // mpi
  NeedsSource* needs = nullptr;        // clusters: what each job asks for
  ClusterOptions cluster_options{};    // clusters
};

struct ExecutorType {
  std::string_view name;   // of --executor
  std::string_view title;  // in messages: "12 jobs to run on Slurm"
  // Whether --executor takes the name. The ranks of mpirun are used by starting furrow several times instead.
  bool is_selectable;
  bool is_cluster;          // jobs leave this machine, in submissions that outlive the engine
  bool shares_submissions;  // several jobs may go into one submission: --packing and its kin have an effect
  bool takes_commands;      // the commands of --cluster submit and follow each job
  bool is_for_map;          // `furrow map` offers it
  std::unique_ptr<plan::Executor> (*make)(const ExecutorSettings& settings, ExecutorContext context);
};

std::span<const ExecutorType> executor_types();
const ExecutorType* find_executor(std::string_view name);  // null: there is none of that name
// "local, slurm, cluster-generic"; those of `furrow map` alone where FOR_MAP.
std::string executor_names(bool for_map = false);

// NAME is a row of the table.
std::unique_ptr<plan::Executor> make_executor(std::string_view name, const ExecutorSettings& settings,
                                              ExecutorContext context);

}  // namespace furrow::exec
