// Ends a process together with all that it has started.
//
// Needs /proc; without it only the process itself is ended. Not for processes that ran away from their parent on
// purpose (daemons, whose parent is init).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace furrow::os {

// Sends SIGKILL to ROOT, a child of this process that is not reaped, and to its descendants. They are stopped
// first, so that none can start another one meanwhile.
void kill_tree(pid_t root);

// The same for the descendants of ROOT alone, which may be any process and goes on.
void kill_descendants(pid_t root);

// A time on the monotonic clock as programs are stamped with it: some 10 ms are one tick.
std::uint64_t start_ticks(std::int64_t monotonic_ns);

// The children that thread THREAD of this process has started, as the kernel lists them; none if it has no such lists.
std::vector<pid_t> children_of_thread(pid_t thread);

// Ends the programs that a thread of this process has started from tick SINCE to tick UNTIL, with all that those have
// started, except for the children in KEPT.
void kill_programs_of_thread(pid_t thread, std::uint64_t since, std::uint64_t until,
                             const std::vector<pid_t>& kept);

// The number of the calling thread.
pid_t thread_id() noexcept;

}  // namespace furrow::os
