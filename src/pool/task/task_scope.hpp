// Which task this thread is in, for code below the public functions of furrow/task.hpp.
#pragma once

#include "furrow/detail/map_call.hpp"

namespace furrow::pool {

// The innermost scope of this thread; null outside of tasks.
detail::TaskScope* current_scope() noexcept;

// The cores that a Pool made here should use: all that this process may use, or those allotted to the task.
int cores_here();

// Restarts the random stream of a task that is tried again.
void forget_stream(detail::TaskScope& scope) noexcept;

}  // namespace furrow::pool
