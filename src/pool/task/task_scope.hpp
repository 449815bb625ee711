// Which task this thread is in, for code below the public functions of furrow/task.hpp.
#pragma once

#include "furrow/detail/map_call.hpp"
#include "os/cores/cores.hpp"

namespace furrow::pool {

// A shared library that has these functions too, as that of furrow::mpi, asks the one that has the scopes.
using detail::current_scope;

// The cores that a Pool made here should use: all that this process may use, or those allotted to the task.
inline int cores_here() {
  const detail::TaskScope* scope = current_scope();
  return scope ? scope->cores_per_task : os::usable_cores().physical;
}

// Restarts the random stream of a task that is tried again, and the numbers of what it makes.
inline void forget_stream(detail::TaskScope& scope) noexcept {
  scope.rng_item = scope.numbered_item = detail::kNoItem;
}

// The number of a map or call that the task makes. It depends on nothing but the task, and how many it has made before;
// those made outside of tasks count from 0, and these have the highest bit.
std::uint64_t number_in(detail::TaskScope& task) noexcept;

}  // namespace furrow::pool
