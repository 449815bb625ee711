#include "remote/bytes.hpp"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

namespace furrow::remote {

namespace {

constexpr std::size_t kLarge = std::size_t{4} << 20;  // blocks of at least this size are mapped
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kMostKept = std::size_t{256} << 20;  // a larger block is not cached

struct Block {
  std::byte* data;
  std::size_t capacity;
};

// Blocks that are not in use. The system may take their pages back whenever it needs memory. A slot is taken
// or filled by one atomic exchange, not under a lock, which a process forked meanwhile would find held.
class BlockCache {
 public:
  // A block of at least SIZE bytes and at most about four times that; a null block if there is none.
  Block take(std::size_t size) {
    for (auto& slot : slots_) {
      Head* const head = slot.exchange(nullptr);
      if (!head) continue;
      const std::size_t capacity = head->capacity;
      if (capacity >= size && capacity / 4 <= size) return {reinterpret_cast<std::byte*>(head), capacity};
      put(head);
    }
    return {};
  }
  void keep(Block block) {
    if (block.capacity > kMostKept) return drop(block);
    // All but the first page, which holds the block's size.
    (void)::madvise(block.data + kHugePage, block.capacity - kHugePage, MADV_FREE);
    put(::new (static_cast<void*>(block.data)) Head{block.capacity});
  }
  static void drop(Block block) { ::munmap(block.data, block.capacity); }

 private:
  struct Head {
    std::size_t capacity;
  };
  void put(Head* head) {
    for (auto& slot : slots_) {
      Head* none = nullptr;
      if (slot.compare_exchange_strong(none, head)) return;
    }
    drop({reinterpret_cast<std::byte*>(head), head->capacity});
  }
  std::array<std::atomic<Head*>, 4> slots_{};
};
constinit BlockCache kept;

Block map_block(std::size_t size) {
  const std::size_t capacity = (size + kHugePage - 1) / kHugePage * kHugePage;
  void* const memory = ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  (void)::madvise(memory, capacity, MADV_HUGEPAGE);  // only advice: it may fail
  return {static_cast<std::byte*>(memory), capacity};
}

}  // namespace

void Bytes::grow(std::size_t more) {
  const std::size_t wanted = std::max({size_ + more, 2 * capacity_, std::size_t{4096}});
  if (wanted < kLarge) {
    void* const grown = std::realloc(data_, wanted);
    if (!grown) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(grown);
    capacity_ = wanted;
    return;
  }
  Block block = kept.take(wanted);
  if (!block.data) block = map_block(wanted);
  if (size_ != 0) std::memcpy(block.data, data_, size_);
  release();
  data_ = block.data;
  capacity_ = block.capacity;
}

void Bytes::release() noexcept {
  if (capacity_ < kLarge)
    std::free(data_);
  else
    kept.keep({data_, capacity_});
}

}  // namespace furrow::remote
