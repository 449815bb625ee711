// Memory through which large buffers travel between a crew and the process that runs it, in both directions.
//
// One file without a name (memfd), sparse, which everybody who was forked from its maker has. Each party
// allocates in a region of its own: party 0 is the maker, worker w is party w + 1.
//
//   file    region of party 0 | of party 1 | ...        each kRegion bytes, mostly a hole
//   region  table: u64 count, then an entry {u64 at, u64 capacity, u32 state} for each block ever made
//           | blocks, page-aligned
//   block   one page: u32 views of each worker; then the bytes, from "at" on
//
//   entry.state: free -> written (by its owner) -> held (by who received it) -> free
//                written -> free (by its owner, or by the owner's next life: nobody was told of it)
//
// A block's bytes change only in its owner's hands, while it is written. Who receives a block of party 0 maps
// it copy-on-write, as often as it likes, and counts that in the block's page; party 0 uses a block again
// when it is free and nobody has a view of it. A worker's block has one receiver, who may also write to it,
// and frees it. Blocks are used again while they are warm; beyond kKept the memory of free ones goes back to
// the system.
//
// Whoever dies leaves a table that can be read; its next life frees what was under way. Thread-safety: one
// thread for each party, but for free(), which any thread may call. Errors: an empty block where there is no
// memory, or no place in the table.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"

namespace furrow::pool {

class Arena {
 public:
  static constexpr int kRegionBits = 40;
  static constexpr std::uint64_t kRegion = std::uint64_t{1} << kRegionBits;
  static constexpr int kMostWorkers = 1000;  // counters of a page
  static constexpr std::size_t kKept = std::size_t{1} << 30;

  struct Block {
    std::uint64_t at = 0;  // in the file
    std::byte* data = nullptr;
    explicit operator bool() const { return data != nullptr; }
  };

  static Result<Arena> create(int workers);
  static Result<Arena> attach(int fd, int workers);  // FD stays the caller's
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&&) = delete;
  ~Arena();
  int descriptor() const { return fd_; }

  // This process is that party from now on, in its first life or the next.
  void enter(int party);

  // The owner's: room for SIZE bytes, to be written at once.
  Block make(std::size_t size);
  // The owner's: a block that it has made and not freed. Null where it cannot be mapped.
  std::byte* whole(std::uint64_t at, std::size_t size);
  // The receiver's: it is ours now. Shared with its owner; null where there is no such block.
  std::byte* receive(std::uint64_t at, std::size_t size);
  // By its receiver; by its owner where nobody was told of it, or (party 0) nobody needs it any more.
  void free(std::uint64_t at);

  // A worker's: a copy-on-write view of a block of party 0, until drop(). Null where it cannot be mapped.
  std::byte* view(std::uint64_t at, std::size_t size);
  void drop(std::byte* view, std::uint64_t at, std::size_t size);

  // Bytes of this party's blocks, free or not.
  std::size_t made() const { return made_; }

 private:
  enum State : std::uint32_t { kFree, kWritten, kHeld };
  struct Entry {
    std::uint64_t at;
    std::uint64_t capacity;
    std::atomic<std::uint32_t> state;
    std::atomic<std::uint32_t> hollow;  // its memory went back to the system
  };
  struct Table {
    std::atomic<std::uint64_t> count;
    Entry entries[];
  };
  static constexpr std::size_t kEntries = 8192;
  static constexpr std::size_t kTableBytes = (sizeof(Table) + kEntries * sizeof(Entry) + 4095) / 4096 * 4096;

  Arena(int fd, int workers) : fd_(fd), workers_(workers) {}
  std::byte* map(std::uint64_t at, std::size_t size, bool shared) const;
  Table* table(int party);
  std::byte* shared(std::uint64_t at, std::size_t size);
  std::atomic<std::uint32_t>* views(std::uint64_t at);
  bool unseen(const Entry& entry);
  Entry* reusable(std::size_t size);
  Entry* fresh(std::size_t capacity);
  void hollow_out();

  int fd_ = -1;
  int workers_ = 0;
  int party_ = 0;
  std::size_t made_ = 0;
  std::mutex lock_{};  // guards the maps below
  std::unordered_map<int, Table*> tables_{};
  struct Mapping {
    std::byte* data;
    std::size_t size;
  };
  std::unordered_map<std::uint64_t, Mapping> blocks_{};  // shared, by "at"; from their page on
};

}  // namespace furrow::pool
