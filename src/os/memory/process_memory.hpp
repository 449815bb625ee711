// Writes into the memory of another process of this user.
//
// Some systems forbid it (seccomp filters, Yama's ptrace_scope), so a caller needs another way for that case.
// Thread-safe.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace furrow::os {

// Copies SIZE bytes from HERE to THERE, an address in PROCESS. False if not all of them could be written;
// some may have been.
bool write_memory_of(pid_t process, void* there, const void* here, std::size_t size);

}  // namespace furrow::os
