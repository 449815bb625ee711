#include "os/memory/process_memory.hpp"

#include <sys/uio.h>

namespace furrow::os {

bool write_memory_of(pid_t process, void* there, const void* here, std::size_t size) {
  auto* to = static_cast<std::byte*>(there);
  const auto* from = static_cast<const std::byte*>(here);
  while (size > 0) {
    const iovec local{const_cast<std::byte*>(from), size}, remote{to, size};
    const ssize_t written = ::process_vm_writev(process, &local, 1, &remote, 1, 0);
    if (written <= 0) return false;
    from += written;
    to += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace furrow::os
