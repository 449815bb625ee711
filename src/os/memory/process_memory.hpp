// The memory of another process of this user, written to from here.
//
// Some systems forbid it (seccomp filters, Yama's ptrace_scope): a caller needs another way for that case.
// Thread-safe.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace furrow::os {

// Copies SIZE bytes from HERE to THERE, an address in PROCESS. False where not all of them could be written;
// some may have been.
bool write_memory_of(pid_t process, void* there, const void* here, std::size_t size);

}  // namespace furrow::os
