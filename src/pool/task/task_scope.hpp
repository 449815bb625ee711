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
  return scope ? scope->origin().cores_per_task : os::usable_cores().physical;
}

}  // namespace furrow::pool
