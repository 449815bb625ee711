// Ends a process together with all that it has started.
//
// Needs /proc; without it only the process itself is ended. Not for processes that ran away from their parent on
// purpose (daemons, whose parent is init).
#pragma once

#include <sys/types.h>

namespace furrow::os {

// Sends SIGKILL to ROOT, a child of this process that is not reaped, and to its descendants. They are stopped
// first, so that none can start another one meanwhile.
void kill_tree(pid_t root);

}  // namespace furrow::os
