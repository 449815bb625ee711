// How the units of one map are shared out: a range for each worker, from which others take when they have
// none left.
//
// A slot is one 64-bit word, {begin, end}. Only its owner moves begin, by compare-and-swap; whoever steals
// moves end; an empty slot (begin == end) is written by its owner alone. Every unit is in at most one slot,
// so it is handed out once. Words hold no pointers: a board may lie in memory that processes share.
//
// Any worker may call claim() with its own number at any time; there are no locks.
#pragma once

#include <atomic>
#include <cstdint>

namespace furrow::pool {

struct Span {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool empty() const { return begin == end; }
  std::uint64_t size() const { return end - begin; }
};

struct alignas(64) RangeSlot {
  std::atomic<std::uint64_t> range{0};
};

class RangeBoard {
 public:
  // SLOTS, one for each worker, are borrowed.
  RangeBoard(RangeSlot* slots, int workers) : slots_(slots), workers_(workers) {}

  // Shares UNITS out evenly, neighbours together. GRAIN units are never parted (0: chosen). While nobody
  // claims.
  void fill(std::uint64_t units, std::uint64_t grain);
  // Up to WANT units (never parting a grain) of the worker's own range, half of it at most; of the fullest
  // other range, of which it takes half over, where its own is empty. Empty when nothing is left to take.
  Span claim(int worker, std::uint64_t want);
  // The same of its own range only. INTENT, where there is one, holds the stretch before it is taken, so that
  // somebody can tell what a worker has claimed that died anywhere in here: claimed() does.
  Span claim_own(int worker, std::uint64_t want, std::atomic<std::uint64_t>* intent = nullptr);
  Span claimed(int worker, std::uint64_t intent) const;
  // What is in a worker's range.
  Span peek(int worker) const;
  // Moves half of the fullest range into the empty one of TO, whose owner does nothing meanwhile; false if
  // all are empty.
  bool refill(int to);
  std::uint64_t grain() const { return grain_; }

 private:
  Span units(std::uint64_t begin, std::uint64_t end) const;

  RangeSlot* slots_;
  int workers_;
  std::uint64_t size_ = 0;
  std::uint64_t grain_ = 1;
};

// How many units a worker should take next: a stretch of some 50 us, found from how long the last one took.
class ChunkSizer {
 public:
  static constexpr std::int64_t kTarget_ns = 50'000;
  // FIXED units each time, unless it is 0; a stretch of TARGET_NS otherwise.
  explicit ChunkSizer(std::uint64_t fixed, std::int64_t target_ns = kTarget_ns)
      : target_ns_(static_cast<std::uint64_t>(target_ns)), next_(fixed ? fixed : 1), fixed_(fixed != 0) {}
  std::uint64_t next() const { return next_; }
  void measured(std::uint64_t units, std::uint64_t took_ns);

 private:
  static constexpr std::uint64_t kGrowth = 16;  // at most so many times the last, since costs may jump
  std::uint64_t target_ns_;
  std::uint64_t next_;
  bool fixed_;
};

}  // namespace furrow::pool
