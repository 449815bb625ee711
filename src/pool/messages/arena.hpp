// Shared memory through which large buffers travel between worker processes and their parent, in both
// directions.
//
// It is one sparse file without a name (memfd), inherited by every process that is forked from its maker.
// Each party allocates in a region of its own: party 0 is the maker, worker w is party w + 1.
//
//   file    region of party 0 | of party 1 | ...        each kRegion bytes, mostly a hole
//   region  table: u64 count, then an entry {u64 at, u64 capacity, u32 state} for each block ever made
//           | blocks, page-aligned
//   block   one page: for each worker, a u32 that counts its views; then the bytes, from "at" on
//
//   entry.state: free -> written (by its owner) -> held (by its receiver) -> free
//                written -> free (by its owner, or by the process that replaces it: the block was never sent)
//
// Only the owner changes a block's bytes, while it writes it. A worker that receives a block of party 0 maps
// it copy-on-write, as often as it likes, and counts its views in the block's page; party 0 reuses a block
// when it is free and has no views. A worker's block has one receiver, which may also write to it, and frees
// it. Free blocks are reused while their memory is warm; beyond kKept bytes their memory goes back to the
// system.
//
// A process that dies leaves a readable table; the process that replaces it frees the blocks that were not
// sent. Thread-safety: one thread for each party, except for free(), which any thread may call. Errors: an
// empty block if there is no memory, or no room in the table.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/error.hpp"

namespace furrow::pool {

class Arena {
 public:
  static constexpr int kRegionBits = 40;
  static constexpr std::uint64_t kRegion = std::uint64_t{1} << kRegionBits;
  static constexpr int kMostWorkers = 1000;  // their counters must fit into one page
  static constexpr std::size_t kKept = std::size_t{1} << 30;

  struct Block {
    std::uint64_t at = 0;  // offset in the file
    std::byte* data = nullptr;
    explicit operator bool() const { return data != nullptr; }
  };

  static Result<Arena> create(int workers);
  static Result<Arena> attach(int fd, int workers);  // duplicates FD
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&&) = delete;
  ~Arena();
  int descriptor() const { return fd_; }

  // Makes this process that party from now on, as the first process or as a replacement.
  void enter(int party);

  // For the owner: room for SIZE bytes, to be written at once.
  Block make(std::size_t size);
  // For the owner: a block that it has made and not freed. Null if it cannot be mapped.
  std::byte* whole(std::uint64_t at, std::size_t size);
  // For the receiver: takes the block over. The memory is shared with its owner. Null if there is no such
  // block.
  std::byte* receive(std::uint64_t at, std::size_t size);
  // For the receiver; or for the owner, if the block was never sent or (party 0) is no longer needed.
  void free(std::uint64_t at);

  // For a worker: a copy-on-write view of a block of party 0, until drop(). Null if it cannot be mapped.
  std::byte* view(std::uint64_t at, std::size_t size);
  void drop(std::byte* view, std::uint64_t at, std::size_t size);

  // Bytes in all of this party's blocks, free or not.
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
  // Shared mappings, by "at". Each begins at the block's page of counters.
  std::unordered_map<std::uint64_t, Mapping> blocks_{};
};

}  // namespace furrow::pool
