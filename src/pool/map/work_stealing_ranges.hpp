// Distributes the indices of one map by work stealing: each worker has a range, and a worker whose own range
// is empty steals from the others.
//
// A slot is one 64-bit word, {begin, end}. Only its owner moves begin, by compare-and-swap; a thief moves
// end; only the owner writes to an empty slot (begin == end). Every index is in at most one slot, so it is
// handed out once. Words hold no pointers, so the slots may lie in memory that processes share.
//
// A word that no WorkStealingRanges can have stored counts as an empty range.
//
// Any worker may call claim() with its own number at any time; there are no locks.
#pragma once

#include <atomic>
#include <cstdint>

namespace furrow::pool {

struct IndexRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool empty() const { return begin == end; }
  std::uint64_t size() const { return end - begin; }
};

struct alignas(64) RangeSlot {
  std::atomic<std::uint64_t> range{0};
};

class WorkStealingRanges {
 public:
  // SLOTS, one for each worker, are borrowed.
  WorkStealingRanges(RangeSlot* slots, int workers) : slots_(slots), workers_(workers) {}

  // Divides the indices evenly into one consecutive range for each worker. A grain of GRAIN indices (0:
  // chosen here) is never split. No worker may claim meanwhile.
  void fill(std::uint64_t indices, std::uint64_t grain);
  // Claims up to WANT indices, without splitting a grain, from the worker's own range, but at most half of
  // it. If its own range is empty, the worker first steals half of the fullest one. Empty when nothing is
  // left.
  IndexRange claim(int worker, std::uint64_t want);
  // The same from the worker's own range only. INTENT, if given, is set to the range before it is claimed: if
  // the worker dies anywhere in here, claimed() can then tell what it had claimed.
  IndexRange claim_own(int worker, std::uint64_t want, std::atomic<std::uint64_t>* intent = nullptr);
  IndexRange claimed(int worker, std::uint64_t intent) const;
  // What is left in a worker's range.
  IndexRange peek(int worker) const;
  // Moves half of the fullest range into the empty one of TO, whose owner must do nothing meanwhile; false if
  // all ranges are empty.
  bool refill(int to);
  std::uint64_t grain() const { return grain_; }

 private:
  IndexRange indices(std::uint64_t begin, std::uint64_t end) const;

  RangeSlot* slots_;
  int workers_;
  std::uint64_t size_ = 0;
  std::uint64_t grain_ = 1;
  std::uint64_t grains_ = 0;
};

// How many indices a worker should claim next: enough for about 50 us, judged by the last chunk's time.
class ChunkSizer {
 public:
  static constexpr std::int64_t kTarget_ns = 50'000;
  // FIXED indices each time; if that is 0, as many as take about TARGET_NS.
  explicit ChunkSizer(std::uint64_t fixed, std::int64_t target_ns = kTarget_ns)
      : target_ns_(static_cast<std::uint64_t>(target_ns)), next_(fixed ? fixed : 1), fixed_(fixed != 0) {}
  std::uint64_t next() const { return next_; }
  void measured(std::uint64_t indices, std::uint64_t took_ns);

 private:
  static constexpr std::uint64_t kGrowth = 16;  // largest factor from one chunk to the next: costs may jump
  std::uint64_t target_ns_;
  std::uint64_t next_;
  bool fixed_;
};

}  // namespace furrow::pool
