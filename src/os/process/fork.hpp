// Children that go on with this program's memory: forked, not spawned.
//
// Between fork and MAIN the child resets what belongs to its parent: handlers of signals go back to their
// defaults, nothing is blocked, SIGINT is ignored (the parent decides what an interrupt means; children end
// with it), and exit() ends the child at once, without the parent's atexit handlers. Buffered output is
// written before the fork, so that nothing is printed twice; the child writes its own at its end.
//
// A fork while other threads run leaves their locks held for ever in the child: is_single_threaded() says
// whether that can happen.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>

#include "base/error.hpp"

namespace furrow::os {

// Whether no other thread runs in this process. Waits a moment for threads that were joined but are not quite
// gone.
bool is_single_threaded();
// The same at once.
bool is_single_threaded_now();

// MAIN runs in the child and never returns to the caller's code: its value is the exit status. ALONE says
// that no other thread runs: then all C streams can be flushed, not only standard output.
Result<pid_t> fork_child(const std::function<int()>& main, bool alone);

// Sends this process SIGKILL when the one that forked it ends; ends it here if that has happened already.
// PARENT is who should be there. For children of single-threaded processes: it is the thread that counts.
void die_with(pid_t parent);

// A descriptor that becomes readable when PARENT, which forked this process, ends; -1 where there are no
// pidfds. Ends this process if that has happened already.
int watch_parent(pid_t parent);

// A child that has not been waited for: its raw wait status if it has ended; 0x7f00 where nobody knows it,
// since the program waited for it itself or ignores SIGCHLD. Leaves it to be waited for.
std::optional<int> ended_status(pid_t child);

// Waits until CHILD has ended.
void wait_until_ended(pid_t child);

}  // namespace furrow::os
