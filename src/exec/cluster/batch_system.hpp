// The interface of the systems that run batches on a cluster: Slurm, or any other by user-supplied commands.
//
// No call blocks. Answers come from the event loop, and no longer once the object is destroyed. Not
// thread-safe.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "exec/cluster/cluster_needs.hpp"

namespace furrow::exec {

struct Submission {
  std::string folder;  // absolute path; contains the script
  std::string script;
  std::string log;  // file for the output of the script; ".N" is appended for an array
  std::string directory;
  std::string name;  // for people who look at the queue
  std::size_t batches = 1;
  Allocation allocation;
  bool has_ranks = false;               // its batches run on one MPI rank on each node
  std::string command{};                // user-supplied command that submits; may be empty
  std::vector<std::string> left_out{};  // nodes on which it must not run
};

struct BatchState {
  enum class Phase : std::uint8_t { kWaiting, kRunning, kEnded } phase = Phase::kWaiting;
  std::string reason{};  // the state as the system calls it, for example "TIMEOUT"
  std::string node{};
  bool is_ending = false;  // it no longer runs, but the system does not say yet how it ended
  // Who has ended it; kJob also where that is not known. kPreemption: other jobs had priority.
  enum class EndedBy : std::uint8_t { kJob, kUser, kNode, kPreemption } ended_by = EndedBy::kJob;
};
// By name; the system does not know a batch that is missing. nullopt: the system gave no answer.
using BatchStates = std::optional<std::map<std::string, BatchState>>;

struct SystemFigures {
  std::size_t max_array = 0;        // the most tasks in an array; 0: no arrays
  std::int64_t node_cores = 0;      // of the smallest node; 0: not known
  std::int64_t node_memory_mb = 0;  // of the smallest node; 0: not known
  TimeLimits time_limits_min{};
};

class BatchSystem {
 public:
  virtual ~BatchSystem() = default;
  virtual const char* name() const = 0;  // "Slurm"
  virtual void figures(std::function<void(const SystemFigures&)> done) = 0;
  virtual void submit(const Submission& submission, std::function<void(Result<std::string> name)> done) = 0;
  virtual std::string batch_name(const std::string& name, std::size_t index, std::size_t batches) const = 0;
  // Asks for the states of these batches, given by name. Never answers if can_ask() is false.
  virtual void ask(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) = 0;
  // What the system's records say about batches that the queue no longer lists.
  virtual void remember(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) = 0;
  // Calls `done` once the request has been made or has failed; until then this object must not be destroyed.
  virtual void cancel(const std::vector<std::string>& batches, bool at_once, std::function<void()> done) = 0;
  virtual bool can_ask() const { return true; }
  // For the first line of scripts that are submitted.
  virtual std::string shell() const { return "/bin/sh"; }
  // The name of a batch as `submit` gives it, from the one that a job of the same submission finds in its
  // environment.
  virtual std::string full_name(const std::string& own, const std::string& /*submitted*/) const {
    return own;
  }
  // Whether several jobs may run in such an allocation at a time.
  virtual bool is_divisible(const Allocation& /*asked*/) const { return true; }
};

}  // namespace furrow::exec
