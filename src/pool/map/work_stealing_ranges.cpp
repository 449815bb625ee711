#include "pool/map/work_stealing_ranges.hpp"

#include <algorithm>

namespace furrow::pool {

namespace {

// Counts grains, so that 32 bits are enough for any number of indices.
struct Range {
  std::uint32_t begin;
  std::uint32_t end;
  std::uint32_t size() const { return end - begin; }
};

std::uint64_t word(Range range) { return std::uint64_t{range.begin} << 32 | range.end; }
Range range(std::uint64_t word) {
  return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word)};
}

constexpr std::uint64_t kMostGrains = ~std::uint32_t{0};

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return a / b + (a % b != 0); }

// The number of grains in RANGE; 0 if it cannot be right, since one of GRAINS grains has no such number. A task
// that writes wildly may have overwritten it.
std::uint32_t checked_size(Range range, std::uint64_t grains) {
  return range.begin < range.end && range.end <= grains ? range.size() : 0;
}

// Takes the upper half of SLOT's range, or all of it if that is a single grain; false if it is empty.
bool take_half(std::atomic<std::uint64_t>& slot, std::uint64_t grains, Range& taken) {
  std::uint64_t seen = slot.load(std::memory_order_acquire);
  for (;;) {
    const Range from = range(seen);
    if (checked_size(from, grains) == 0) return false;
    const std::uint32_t middle = from.begin + from.size() / 2;
    if (slot.compare_exchange_weak(seen, word({from.begin, middle}), std::memory_order_acq_rel,
                                   std::memory_order_acquire)) {
      taken = {middle, from.end};
      return true;
    }
  }
}

}  // namespace

void WorkStealingRanges::fill(std::uint64_t indices, std::uint64_t grain) {
  size_ = indices;
  grain_ = std::max({grain, divide_up(indices, kMostGrains), std::uint64_t{1}});
  const std::uint64_t grains = grains_ = divide_up(indices, grain_);
  for (int i = 0; i < workers_; ++i) {
    const auto at = [&](int worker) {
      const auto before = static_cast<std::uint64_t>(worker);
      const auto all = static_cast<std::uint64_t>(workers_);
      return static_cast<std::uint32_t>(grains / all * before + std::min(before, grains % all));
    };
    slots_[i].range.store(word({at(i), at(i + 1)}), std::memory_order_release);
  }
}

IndexRange WorkStealingRanges::indices(std::uint64_t begin, std::uint64_t end) const {
  return {begin * grain_, std::min(end * grain_, size_)};
}

IndexRange WorkStealingRanges::peek(int worker) const {
  const Range held = range(slots_[worker].range.load(std::memory_order_acquire));
  return checked_size(held, grains_) ? indices(held.begin, held.end) : IndexRange{};
}

IndexRange WorkStealingRanges::claim_own(int worker, std::uint64_t want, std::atomic<std::uint64_t>* intent) {
  std::atomic<std::uint64_t>& slot = slots_[worker].range;
  const std::uint64_t grains = want < 2 * grain_ ? 1 : want / grain_;  // a division takes long
  std::uint64_t seen = slot.load(std::memory_order_acquire);
  for (;;) {
    const Range own = range(seen);
    if (checked_size(own, grains_) == 0) return {};
    const auto most = std::max<std::uint32_t>(own.size() / 2, 1);
    const auto taken = static_cast<std::uint32_t>(std::min<std::uint64_t>(grains, most));
    if (intent) intent->store(word({own.begin, own.begin + taken}), std::memory_order_relaxed);
    if (slot.compare_exchange_weak(seen, word({own.begin + taken, own.end}), std::memory_order_acq_rel,
                                   std::memory_order_acquire))
      return indices(own.begin, own.begin + taken);
  }
}

IndexRange WorkStealingRanges::claimed(int worker, std::uint64_t intent) const {
  const Range meant = range(intent);
  const Range left = range(slots_[worker].range.load(std::memory_order_acquire));
  if (left.begin == meant.begin || checked_size(meant, grains_) == 0) return {};
  return indices(meant.begin, meant.end);
}

bool WorkStealingRanges::refill(int to) {
  for (;;) {
    int fullest = -1;
    std::uint32_t most = 0;
    for (int i = 0; i < workers_; ++i) {
      const std::uint32_t size =
          checked_size(range(slots_[i].range.load(std::memory_order_relaxed)), grains_);
      if (i != to && size > most) {
        most = size;
        fullest = i;
      }
    }
    if (fullest < 0) return false;
    Range taken;
    if (!take_half(slots_[fullest].range, grains_, taken)) continue;  // it was emptied meanwhile: try another
    slots_[to].range.store(word(taken), std::memory_order_release);
    return true;
  }
}

IndexRange WorkStealingRanges::claim(int worker, std::uint64_t want) {
  for (;;) {
    const IndexRange own = claim_own(worker, want);
    if (!own.empty() || !refill(worker)) return own;
  }
}

void ChunkSizer::measured(std::uint64_t indices, std::uint64_t took_ns) {
  if (fixed_ || indices == 0) return;
  const std::uint64_t each_ns = std::max<std::uint64_t>(took_ns / indices, 1);
  next_ = std::clamp<std::uint64_t>(target_ns_ / each_ns, 1, std::max<std::uint64_t>(next_, 1) * kGrowth);
}

}  // namespace furrow::pool
