#include "mpi/bytes.hpp"

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

namespace furrow::mpi_detail {

namespace {

constexpr std::size_t kLarge = std::size_t{4} << 20;  // from here on it is mapped
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kMostKept = std::size_t{256} << 20;  // of one piece

struct Piece {
  std::byte* data;
  std::size_t capacity;
};

// Pieces that nobody uses now. The system may take their pages back whenever it needs some. Each place is
// taken and filled by one exchange, so that a process that was forked meanwhile finds no lock held.
class KeptPieces {
 public:
  // One that is large enough, and not much too large.
  Piece take(std::size_t size) {
    for (auto& place : places_) {
      Head* const head = place.exchange(nullptr);
      if (!head) continue;
      const std::size_t capacity = head->capacity;
      if (capacity >= size && capacity / 4 <= size) return {reinterpret_cast<std::byte*>(head), capacity};
      put(head);
    }
    return {};
  }
  void keep(Piece piece) {
    if (piece.capacity > kMostKept) return drop(piece);
    // All but the page that says how large it is.
    (void)::madvise(piece.data + kHugePage, piece.capacity - kHugePage, MADV_FREE);
    put(::new (static_cast<void*>(piece.data)) Head{piece.capacity});
  }
  static void drop(Piece piece) { ::munmap(piece.data, piece.capacity); }

 private:
  struct Head {
    std::size_t capacity;
  };
  void put(Head* head) {
    for (auto& place : places_) {
      Head* none = nullptr;
      if (place.compare_exchange_strong(none, head)) return;
    }
    drop({reinterpret_cast<std::byte*>(head), head->capacity});
  }
  std::array<std::atomic<Head*>, 4> places_{};
};
constinit KeptPieces kept;

Piece new_piece(std::size_t size) {
  const std::size_t capacity = (size + kHugePage - 1) / kHugePage * kHugePage;
  void* const memory = ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  (void)::madvise(memory, capacity, MADV_HUGEPAGE);  // a wish
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
  Piece piece = kept.take(wanted);
  if (!piece.data) piece = new_piece(wanted);
  if (size_ != 0) std::memcpy(piece.data, data_, size_);
  release();
  data_ = piece.data;
  capacity_ = piece.capacity;
}

void Bytes::release() noexcept {
  if (capacity_ < kLarge)
    std::free(data_);
  else
    kept.keep({data_, capacity_});
}

}  // namespace furrow::mpi_detail
