// Memory for calls, which one thread makes and another one often deletes.
//
// A general allocator gives such memory back to the thread that made it, under a lock that both then want: that was
// half of the time of 300,000 calls whose Futures were dropped. Here each thread keeps blocks in a list of its own, and
// hands full batches of them to the others through one stack. What is kept is bounded: some 600 kB in all, and 18 kB
// for each thread.

#include <atomic>
#include <new>
#include <utility>

#include "furrow/detail/call_node.hpp"
#include "furrow/detail/thread_sanitizer.hpp"

namespace FURROW_NAMESPACE::detail {

namespace {

// Of the blocks that are kept; most calls fit. Larger ones are allocated and freed.
constexpr std::size_t kBlockSize = 192;
constexpr int kBatch = 48;        // blocks
constexpr int kMostBatches = 64;  // in the stack

// A block that is not used. The first one of a batch is its link in the stack of batches.
struct FreeBlock {
  FreeBlock* next;
  FreeBlock* next_batch;
};

// Batches are pushed one by one and taken all at once, so that no thread ever reads a batch that another may own.
class Depot {
 public:
  // False if there are enough.
  bool put(FreeBlock* batch) noexcept {
    if (count_.load(std::memory_order_relaxed) >= kMostBatches) return false;
    count_.fetch_add(1, std::memory_order_relaxed);
    batch->next_batch = top_.load(std::memory_order_relaxed);
    while (!top_.compare_exchange_weak(batch->next_batch, batch, std::memory_order_release,
                                       std::memory_order_relaxed)) {
    }
    return true;
  }
  FreeBlock* take_all() noexcept {
    if (!top_.load(std::memory_order_relaxed)) return nullptr;
    FreeBlock* const all = top_.exchange(nullptr, std::memory_order_acquire);
    int taken = 0;
    for (const FreeBlock* each = all; each; each = each->next_batch) ++taken;
    count_.fetch_sub(taken, std::memory_order_relaxed);
    return all;
  }

 private:
  alignas(64) std::atomic<FreeBlock*> top_{nullptr};
  std::atomic<int> count_{0};
};

constinit Depot depot;

void free_all(FreeBlock* block) noexcept {
  while (block) ::operator delete(std::exchange(block, block->next));
}

// The blocks of one thread.
class ThreadCache {
 public:
  ~ThreadCache() {
    free_all(open_);
    free_all(full_);
    while (batches_) free_all(std::exchange(batches_, batches_->next_batch));
  }

  void* take() {
    if (!open_) refill();
    if (!open_) return ::operator new(kBlockSize);
    --count_;
    return std::exchange(open_, open_->next);
  }

  void give_back(void* memory) noexcept {
    if (count_ == kBatch) {
      if (full_ && !depot.put(full_)) free_all(full_);
      full_ = std::exchange(open_, nullptr);
      count_ = 0;
    }
    open_ = ::new (memory) FreeBlock{open_, nullptr};
    ++count_;
  }

 private:
  void refill() noexcept {
    if (full_) {
      open_ = std::exchange(full_, nullptr);
    } else {
      if (!batches_) batches_ = depot.take_all();
      if (!batches_) return;
      open_ = std::exchange(batches_, batches_->next_batch);
    }
    count_ = kBatch;
  }

  FreeBlock* open_ = nullptr;     // blocks are taken from and given back to this list
  int count_ = 0;                 // of open_
  FreeBlock* full_ = nullptr;     // one batch, so that a thread that gives and takes in turn needs no others
  FreeBlock* batches_ = nullptr;  // taken from the depot
};

// Memory that is given back after its thread's cache is gone must not go there.
thread_local bool has_cache = true;
struct Guarded {
  ThreadCache cache;
  ~Guarded() { has_cache = false; }
};
thread_local Guarded here;

// Under AddressSanitizer nothing is kept, so that it sees a use after free; nor under ThreadSanitizer, which knows how
// an allocator hands memory from thread to thread, and not how this file does.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FURROW_ADDRESS_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FURROW_ADDRESS_SANITIZER 1
#endif
bool keeps(std::size_t size) noexcept {
#ifdef FURROW_ADDRESS_SANITIZER
  static_cast<void>(size);
  return false;
#else
  return size <= kBlockSize && !thread_sanitizer_runs();
#endif
}

}  // namespace

void* take_call_memory(std::size_t size) {
  if (!keeps(size)) return ::operator new(size);
  return has_cache ? here.cache.take() : ::operator new(kBlockSize);
}

void give_back_call_memory(void* memory, std::size_t size) noexcept {
  if (keeps(size) && has_cache)
    here.cache.give_back(memory);
  else
    ::operator delete(memory);
}

}  // namespace FURROW_NAMESPACE::detail
