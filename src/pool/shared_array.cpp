#include "furrow/shared_array.hpp"

#include "os/memory/shared_memory.hpp"

namespace FURROW_NAMESPACE::detail {

namespace {

[[noreturn]] void refuse(const std::string& why) { throw SharedMemoryError("shared_array: " + why); }

}  // namespace

std::shared_ptr<void> shared_elements(std::size_t count, std::size_t element_size, Pages pages) {
  if (count == 0) return nullptr;
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, element_size, &bytes))
    refuse("there is not enough memory for " + std::to_string(count) + " elements");
  auto memory = os::SharedMemory::create(bytes);
  if (!memory) refuse(memory.error().message);
  if (pages == Pages::kNow) {
    if (const auto populated = memory->populate(); !populated) refuse(populated.error().message);
  }
  const auto owner = std::make_shared<os::SharedMemory>(std::move(*memory));
  return {owner, owner->data()};
}

}  // namespace FURROW_NAMESPACE::detail
