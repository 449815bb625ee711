// Requests to the batch system to cancel batches, and how many of them it has not answered yet.
//
// A batch is needless when another job of the batch system runs what it was submitted for. Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "exec/cluster/batch_system.hpp"

namespace furrow::exec {

class CancelRequests {
 public:
  // Borrows `system`. `on_answered` is called when the last request in flight has been answered.
  CancelRequests(BatchSystem& system, std::function<void()> on_answered);

  void add_needless(std::string name) { needless_.push_back(std::move(name)); }
  void cancel_needless() { cancel({}, false); }
  void cancel(const std::vector<std::string>& names, bool at_once);  // these and the needless ones
  bool is_in_flight() const { return in_flight_ > 0; }
  void give_up() { in_flight_ = 0; }  // waits for no answer any longer

 private:
  BatchSystem& system_;
  const std::function<void()> on_answered_;
  std::vector<std::string> needless_{};  // names in the batch system
  std::size_t in_flight_ = 0;
};

}  // namespace furrow::exec
