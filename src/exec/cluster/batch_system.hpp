// The seam to what runs batches on a cluster: Slurm, or commands that a user has written for any other.
//
// Nothing blocks; answers come from the event loop, and not any more once the system is destroyed. Not
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
  std::string folder;  // absolute; its script is there
  std::string script;
  std::string log;  // where what is printed goes; for an array with ".N"
  std::string directory;
  std::string name;  // for people who look at the queue
  std::size_t batches = 1;
  Allocation allocation;
  bool has_ranks = false;  // its batches run on a rank of MPI on each node
  std::string command{};   // the user's, where he has one
};

struct BatchState {
  enum class Phase : std::uint8_t { kWaiting, kRunning, kEnded } phase = Phase::kWaiting;
  std::string reason{};  // "TIMEOUT"; what it is in the system's words
  std::string node{};
};
// By name; who is not in it, the system does not know. Nothing: the system gave no answer.
using BatchStates = std::optional<std::map<std::string, BatchState>>;

struct SystemFigures {
  std::size_t max_array = 0;        // tasks of an array; 0: there are none
  std::int64_t node_cores = 0;      // of the smallest node; 0: not known
  std::int64_t node_memory_mb = 0;  // likewise
  TimeLimits time_limits_min{};
};

class BatchSystem {
 public:
  virtual ~BatchSystem() = default;
  virtual const char* name() const = 0;  // "Slurm"
  virtual void figures(std::function<void(const SystemFigures&)> done) = 0;
  virtual void submit(const Submission& submission, std::function<void(Result<std::string> name)> done) = 0;
  virtual std::string batch_name(const std::string& name, std::size_t index, std::size_t batches) const = 0;
  // BATCHES: names of batches. Where nothing can be asked at all: never answers.
  virtual void ask(const std::vector<std::string>& batches, std::function<void(BatchStates)> done) = 0;
  // Why one that nobody knows any more has ended, if anybody remembers.
  virtual void remember(const std::string& batch, std::function<void(std::optional<BatchState>)> done) = 0;
  // DONE: the order has been given, or cannot be; until then this system must live on.
  virtual void cancel(const std::vector<std::string>& batches, bool at_once, std::function<void()> done) = 0;
  virtual bool can_ask() const { return true; }
};

}  // namespace furrow::exec
