// What a task can ask about itself. Call these on the thread (or in the process) that runs the task.
#pragma once

#include <cstdint>

#include "furrow/detail/abi.hpp"
#include "furrow/random.hpp"

namespace FURROW_NAMESPACE {

// True inside a task of a Pool.
FURROW_API bool in_task() noexcept;

// The index of the item that this task was given. Throws std::logic_error outside of a task.
FURROW_API std::uint64_t task_index();

// Which of the Pool's workers runs this task, from 0. Throws std::logic_error outside of a task.
FURROW_API int worker_index();

// Whether this task should end: its map or call was cancelled, its map stops after a failure, or its time is over. False
// outside of a task. Costs a few nanoseconds. A worker process is ended some 2 s after a task in it was told so, and at once
// if the task did not ask before. For a task inside a task, that of a map in this thread included, true as soon as
// it is for the outer one.
FURROW_API bool task_stop_requested() noexcept;

// The random stream of this task: the same numbers on every backend, for any number of workers and any chunk
// size. It is keyed by the seed, the number of the map in its Pool, and the item's index; a retry draws the
// same numbers again. The reference is valid until the task ends. Throws std::logic_error outside of a task.
FURROW_API Philox& task_rng();

}  // namespace FURROW_NAMESPACE
