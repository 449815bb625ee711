#include "pool/output_memory.hpp"

#include <sys/mman.h>

#include <cstdint>

#include "furrow/codec.hpp"
#include "os/memory/shared_memory.hpp"

namespace furrow {

namespace {

constexpr std::size_t kWorthIt = std::size_t{1} << 20;

struct Pages {
  void* first;
  std::size_t size;
};

// The pages that lie wholly inside of the memory.
Pages whole_pages(void* memory, std::size_t size, std::size_t page) {
  const auto begin = reinterpret_cast<std::uintptr_t>(memory), end = begin + size;
  const std::uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
  return {reinterpret_cast<void*>(first), last > first ? last - first : 0};
}

}  // namespace

void detail::expect_writes(void* memory, std::size_t size) noexcept {
  const Pages pages = whole_pages(memory, size, os::page_size());
  if (pages.size > 0) (void)::madvise(pages.first, pages.size, MADV_HUGEPAGE);  // only a hint: ignore errors
}

namespace pool {

NotInherited::NotInherited(void* memory, std::size_t size) {
  if (!memory || size < kWorthIt) return;
  const Pages pages = whole_pages(memory, size, os::page_size());
  if (::madvise(pages.first, pages.size, MADV_DONTFORK) != 0) return;
  first_ = pages.first;
  size_ = pages.size;
}

NotInherited::~NotInherited() {
  if (first_) (void)::madvise(first_, size_, MADV_DOFORK);
}

}  // namespace pool
}  // namespace furrow
