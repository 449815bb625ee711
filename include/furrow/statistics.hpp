// What a Pool has done and has to do, by value: see Pool::statistics().
#pragma once

#include <cstdint>

#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE {

// A task is an item of a map or stream, or a call of apply_async. A task that was cancelled, or that a map which ended
// early has left out, counts neither as completed nor as failed. The work on partitioned data is not counted.
struct PoolStatistics {
  int workers = 0;
  std::uint64_t unfinished = 0;  // tasks that the Pool was given and that have not ended: they wait or run
  std::uint64_t completed = 0;   // tasks that have returned
  std::uint64_t failed = 0;      // tasks that have failed, after all their retries
  std::uint64_t workers_replaced = 0;  // worker processes that were started in place of others that had ended
};

}  // namespace FURROW_NAMESPACE
