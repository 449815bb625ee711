// Memory that a map only writes its results to.
#pragma once

#include <cstddef>

namespace furrow::pool {

// While this exists, forked children do not inherit the whole pages between MEMORY and MEMORY + SIZE. The
// fork is cheaper, and the parent's later writes there need no copies of the old contents. Does nothing for
// small areas.
class NotInherited {
 public:
  NotInherited(void* memory, std::size_t size);
  ~NotInherited();
  NotInherited(const NotInherited&) = delete;
  NotInherited& operator=(const NotInherited&) = delete;

 private:
  void* first_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace furrow::pool
