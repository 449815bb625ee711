// Children that continue with this program's memory: forked, not spawned.
//
// Between the fork and MAIN the child resets what belongs to its parent: signal handlers go back to their
// defaults, no signal is blocked, SIGINT does nothing (the parent decides what an interrupt means; children end
// with it, and programs that they start obey it), and exit() ends the child at once, without the parent's atexit handlers. The parent writes its
// buffered output before the fork, so that nothing is printed twice; the child writes its own when it ends.
//
// If other threads run during a fork, the locks that they hold stay held forever in the child.
// is_single_threaded() says whether that can happen.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>

#include "base/error.hpp"

namespace furrow::os {

// Whether no other thread runs in this process. Waits a moment for threads that were joined but have not
// quite ended.
bool is_single_threaded();
// The same without waiting.
bool is_single_threaded_now();

// MAIN runs in the child and never returns to the caller's code: its value is the exit status. ALONE says
// that no other thread runs: then all C streams can be flushed, not only standard output.
Result<pid_t> fork_child(const std::function<int()>& main, bool alone);

// Has the kernel send SIGKILL to this process when PARENT, which forked it, ends; ends this process at once
// if that has happened already. Only for children of single-threaded processes, since the kernel watches the
// thread that forked.
void die_with(pid_t parent);

// A descriptor that becomes readable when PARENT, which forked this process, ends; -1 if the kernel has no
// pidfds. Ends this process if PARENT has ended already.
int watch_parent(pid_t parent);

// The raw wait status of a child, without reaping it; nullopt if the child still runs. 0x7f00 if the status
// is lost because the program waited for the child itself or ignores SIGCHLD.
std::optional<int> ended_status(pid_t child);

// Waits until CHILD has ended.
void wait_until_ended(pid_t child);

}  // namespace furrow::os
