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
// it. Free blocks are reused while their memory is warm, and keep no more than is allowed:
//
//   busy(): kKeptBusy -> rest(): kKeptBusy, for a while -> kKept
//
// What goes beyond that returns to the system when a block is freed, and when a worker that has nothing to do
// calls trim(). Whoever frees a block still has it to itself then, and so has whoever takes a free one from its
// owner for that (kFree -> kHeld -> kFree).
//
// A process maps windows of kWindow bytes, of which it may have only some ten thousand, and no small block
// crosses their borders; a larger block has a mapping of its own.
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
#include <vector>

#include "base/error.hpp"

namespace furrow::pool {

class Arena {
 public:
  static constexpr int kRegionBits = 40;
  static constexpr std::uint64_t kRegion = std::uint64_t{1} << kRegionBits;
  static constexpr int kMostWorkers = 1000;  // their counters must fit into one page
  static constexpr int kMostViews = 16'384;
  static constexpr std::uint64_t kWindow = std::uint64_t{8} << 20;
  // What each party's free blocks may keep: while maps run or have just run, and else. A map that comes soon uses the
  // memory again, which is some ten times as fast as new memory.
  static constexpr std::int64_t kKeptBusy = std::int64_t{256} << 20;
  static constexpr std::int64_t kKept = std::int64_t{24} << 20;
  static constexpr std::int64_t kSoon_ns = 1'000'000'000;

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
  // The bytes of a block that is not free, shared. Null if they cannot be mapped.
  std::byte* whole(std::uint64_t at, std::size_t size);
  // For the receiver: takes the block over. The memory is shared with its owner. Null if there is no such
  // block.
  std::byte* receive(std::uint64_t at, std::size_t size);
  // For the receiver; or for the owner, if the block was never sent or (party 0) is no longer needed.
  void free(std::uint64_t at);

  // For a worker: a copy-on-write view of a block of party 0, until drop(). Null if it cannot be mapped, or if
  // the worker has kMostViews: each is a mapping, of which the process needs some for other things.
  std::byte* view(std::uint64_t at, std::size_t size);
  void drop(std::byte* view, std::uint64_t at, std::size_t size);

  // For party 0: maps run from now on; none runs, and one that comes within SOON_NS should find warm memory.
  void busy();
  void rest(std::int64_t soon_ns = kSoon_ns);
  // Gives back what the free blocks of all parties keep too much of. False while it is too early for that: busy(), or
  // rest() not long ago. True if nobody says when maps run.
  bool trim();
  // For party 0, when no other process uses the arena any more: keeps nothing but what this process holds.
  void end();

  // Bytes in all of this party's blocks, free or not.
  std::size_t made() const { return made_; }

 private:
  enum State : std::uint32_t { kFree, kWritten, kHeld };
  static constexpr std::int64_t kUnknown = 0, kBusy = -1;  // of spare_at
  struct Entry {
    std::uint64_t at;
    std::uint64_t capacity;
    std::atomic<std::uint32_t> state;
    std::atomic<std::uint32_t> hollow;  // its memory went back to the system
  };
  struct Table {
    std::atomic<std::uint64_t> count;
    std::atomic<std::int64_t> idle;      // about how many bytes the free blocks keep
    std::atomic<std::int64_t> spare_at;  // party 0's: from when on they keep less; kUnknown: nobody says
    Entry entries[];
  };
  static constexpr std::size_t kEntries = 8192;
  static constexpr std::size_t kTableBytes = (sizeof(Table) + kEntries * sizeof(Entry) + 4095) / 4096 * 4096;

  Arena(int fd, int workers) : fd_(fd), workers_(workers) {}
  std::byte* map(std::uint64_t at, std::size_t size, bool shared) const;
  Table* table(int party);
  Table* table_of(std::uint64_t at) { return table(static_cast<int>(at >> kRegionBits)); }
  static Entry* find(Table* in, std::uint64_t at);
  static std::int64_t bytes_of(const Entry& entry);
  std::byte* shared(std::uint64_t at, std::size_t size);
  std::atomic<std::uint32_t>* views(std::uint64_t at);
  bool unseen(const Entry& entry);
  Entry* reusable(std::size_t size);
  Entry* fresh(std::size_t capacity);
  void free(Table& owners, Entry& entry);
  void hollow(Entry& entry);
  void hollow_out(Table& owners, std::int64_t allowed);
  std::int64_t allowed();

  int fd_ = -1;
  int workers_ = 0;
  int party_ = 0;
  std::size_t made_ = 0;
  std::mutex lock_{};  // guards what follows
  bool ended_ = false;
  int views_ = 0;
  std::unordered_map<int, Table*> tables_{};
  struct Mapping {
    std::byte* data;
    std::size_t size;
  };
  std::unordered_map<std::uint64_t, Mapping> windows_{};  // shared ones, by their offset
  std::unordered_map<std::uint64_t, Mapping> blocks_{};   // of large blocks, by "at": from the counters on
  std::vector<Mapping> outgrown_{};                       // may be in use
};

}  // namespace furrow::pool
