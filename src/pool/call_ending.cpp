#include "furrow/detail/call_ending.hpp"

#include <bit>
#include <thread>

#include "os/events/futex.hpp"

namespace FURROW_NAMESPACE::detail {

namespace {

// Threads sleep on the half of the word that has the flags.
const std::atomic<std::uint32_t>& low_half(const std::atomic<std::uintptr_t>& word) {
  constexpr std::size_t kHalf =
      std::endian::native == std::endian::big && sizeof(std::uintptr_t) > sizeof(std::uint32_t) ? 1 : 0;
  return reinterpret_cast<const std::atomic<std::uint32_t>*>(&word)[kHalf];
}

}  // namespace

CallEnding::Cancel CallEnding::begin_cancel() noexcept {
  std::uintptr_t seen = word_.load(std::memory_order_acquire);
  do {
    if (seen & kClosed) return Cancel::kTooLate;
    if (seen & kCancelled) return Cancel::kBefore;
  } while (
      !word_.compare_exchange_weak(seen, seen | kCancelled | kBeingCancelled, std::memory_order_acq_rel));
  return Cancel::kNow;
}

void CallEnding::end_cancel() noexcept { word_.fetch_and(~kBeingCancelled, std::memory_order_acq_rel); }

std::uintptr_t CallEnding::wait_for_cancel() const noexcept {
  for (;;) {
    const std::uintptr_t seen = word_.load(std::memory_order_acquire);
    if (!(seen & kBeingCancelled)) return seen;
    std::this_thread::yield();
  }
}

bool CallEnding::add(Listener* listener) noexcept {
  std::uintptr_t seen = word_.load(std::memory_order_acquire);
  do {
    if (seen & kClosed) {
      acquired(&word_);
      return false;
    }
    listener->next = listeners_of(seen);
    released(&word_);
  } while (!word_.compare_exchange_weak(seen, reinterpret_cast<std::uintptr_t>(listener) | (seen & kFlags),
                                        std::memory_order_acq_rel));
  return true;
}

void CallEnding::finish() noexcept {
  released(&word_);
  if (word_.fetch_or(kDone, std::memory_order_acq_rel) & kWaited) wake();
}

void CallEnding::wait(std::int64_t at_most_ns) const noexcept {
  std::uintptr_t seen = word_.load(std::memory_order_acquire);
  do {
    if ((seen & kEnded) == kEnded) return;
  } while (!(seen & kWaited) &&
           !word_.compare_exchange_weak(seen, seen | kWaited, std::memory_order_acq_rel));
  os::futex_wait(low_half(word_), static_cast<std::uint32_t>(seen | kWaited), at_most_ns,
                 os::Scope::kPrivate);
}

void CallEnding::wake() noexcept { os::futex_wake_all(low_half(word_), os::Scope::kPrivate); }

}  // namespace FURROW_NAMESPACE::detail
