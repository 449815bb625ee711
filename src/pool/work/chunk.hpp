// A chunk of a map, or a single call, that worker processes run.
//
// Classes that derive from Chunk give the bytes their meaning: they know what an index stands for, and how
// its input and its result are encoded. The workers call a chunk on the thread that calls them; only encode()
// and store() may throw. From submit() until done() the workers use the chunk, but neither copy nor delete
// it. Each index gets exactly one result or failure, but in any order, since a chunk can be split up when a
// worker dies.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>

#include "furrow/codec.hpp"
#include "furrow/errors.hpp"
#include "pool/value_reader.hpp"

namespace furrow::pool {

class Chunk {
 public:
  virtual ~Chunk() = default;
  // Writes the inputs of indices [begin, end); may be called more than once.
  virtual void encode(std::uint64_t begin, std::uint64_t end, Writer& body) = 0;
  // Writes what all chunks of a map have in common; sent to each worker before its first chunk of that map.
  virtual void encode_map(Writer&) {}
  virtual void store(std::uint64_t index, ValueReader& result) = 0;
  // Stores results that were sent as one block (Outbox::commit): those of COUNT indices from INDEX on. BYTES
  // may extend beyond the last of them.
  virtual void store_block(std::uint64_t index, std::uint64_t count, std::span<const std::byte> bytes);
  // Stores the results of COUNT indices at once, SIZE bytes each; false if results are not stored like that.
  virtual bool store_plain(std::uint64_t /*index*/, std::uint64_t /*count*/, std::size_t /*size*/,
                           const void* /*results*/) {
    return false;
  }
  virtual void failed(Failure failure, std::uint64_t index, int worker) = 0;
  struct Times {
    std::int64_t began_ns = 0;
    std::int64_t ended_ns = 0;
  };
  virtual void done(int worker, const Times& times) = 0;
  // The index that failures report for INDEX.
  virtual std::uint64_t index_in_map(std::uint64_t index) const { return index; }
  // The same; for a reduction FOUND, if that is one of the items at INDEX, or else the first of them.
  virtual std::uint64_t item_of(std::uint64_t index, std::uint64_t found) const {
    if (items_per_index == 1) return index_in_map(index);
    return found / items_per_index == index ? found : index * items_per_index;
  }
  // The index that holds an item that a worker has published.
  virtual std::uint64_t index_of_item(std::uint64_t item) const { return item / items_per_index; }

  // What ChunkWorkers::stop() calls this chunk's map or, for a single call, the chunk itself.
  std::uint64_t stop_id() const { return map ? map : begin; }
  // Single calls have indices from here on, above those of all maps.
  static constexpr std::uint64_t kCallIndices = std::uint64_t{1} << 63;
  // Makes this a chunk of the indices [FROM, TO) of OTHER.
  void be_part_of(const Chunk& other, std::uint64_t from, std::uint64_t to) {
    begin = from, end = to;
    map = other.map, items_per_index = other.items_per_index;
    chunksize = other.chunksize, result_size = other.result_size;
    timeout_s = other.timeout_s, retries = other.retries;
  }

  std::uint64_t begin = 0, end = 0;   // indices; no other chunk of the same workers has any of them
  std::uint64_t map = 0;              // id of the map; 0: none
  std::uint64_t items_per_index = 1;  // more than 1 in a reduction
  std::uint64_t chunksize = 0;        // indices sent to a worker at once, if the chunk is split; 0: chosen
  std::uint64_t result_size = 0;      // of plain results, which may come in blocks; 0: others
  double timeout_s = 0;               // for each index and attempt; 0: none
  int retries = 0;

 private:
  friend class WorkLedger;
  std::uint64_t left_ = 0;       // indices without a result or failure
  std::uint32_t subchunks_ = 0;  // that wait or are held
  bool stopped_ = false;         // its tasks should end
  int worker_ = 0;               // one of those that ran some of it
  std::size_t at_ = 0;           // among the ledger's chunks
  std::int64_t busy_ns_ = 0;     // time that workers spent on it
  std::int64_t ended_ns_ = 0;
};

inline void Chunk::store_block(std::uint64_t, std::uint64_t, std::span<const std::byte>) {
  throw std::logic_error("this chunk takes no blocks of results");
}

}  // namespace furrow::pool
