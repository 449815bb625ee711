// A stretch of work that is sent to worker processes, as bytes.
//
// Here the bytes get their meaning: those who derive from Parcel know what a unit is, and how its input and
// its result are encoded. A MessageCrew calls them on the thread that calls it; only encode() and store() may
// throw. From submit() until done() a parcel belongs to the crew, which neither copies nor deletes it.
// Results and failures come for each unit exactly once, but in any order, since a parcel can be taken apart
// when a worker dies.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>

#include "furrow/codec.hpp"
#include "furrow/errors.hpp"

namespace furrow::pool {

class Parcel {
 public:
  virtual ~Parcel() = default;
  // The inputs of units [begin, end), also more than once.
  virtual void encode(std::uint64_t begin, std::uint64_t end, Writer& body) = 0;
  // What all parcels of one job have in common; sent before the first of them that a worker gets.
  virtual void encode_job(Writer&) {}
  virtual void store(std::uint64_t unit, Reader& result) = 0;
  // Results that were sent as one block (Outbox::commit): those of COUNT units from UNIT on. BYTES may go on
  // beyond the last of them.
  virtual void store_block(std::uint64_t unit, std::uint64_t count, std::span<const std::byte> bytes);
  // The results of COUNT units at once, SIZE bytes each; false where that is not how they are stored.
  virtual bool store_plain(std::uint64_t /*unit*/, std::uint64_t /*count*/, std::size_t /*size*/,
                           const void* /*results*/) {
    return false;
  }
  virtual void failed(Failure failure, std::uint64_t unit, int worker) = 0;
  struct Times {
    std::int64_t began_ns = 0;
    std::int64_t ended_ns = 0;
  };
  virtual void done(int worker, const Times& times) = 0;
  // What failures call the unit.
  virtual std::uint64_t index_of(std::uint64_t unit) const { return unit; }
  // The same, and of a reduction's unit FOUND, if that is one of its items.
  std::uint64_t item_of(std::uint64_t unit, std::uint64_t found) const {
    if (unit_items == 1) return index_of(unit);
    return found / unit_items == unit ? found : unit * unit_items;
  }
  // The unit that holds an item that a worker has published.
  std::uint64_t unit_of(std::uint64_t item) const { return item / unit_items; }

  std::uint64_t begin = 0, end = 0;  // units; no two parcels of a crew share any
  std::uint64_t job = 0;             // 0: none
  std::uint64_t unit_items = 1;      // items in a unit
  std::uint64_t chunksize = 0;       // units that a worker gets together, where the crew cuts it; 0: chosen
  std::uint64_t result_size = 0;     // of plain results, which may come in blocks; 0: of others
  double timeout_s = 0;              // for each unit and attempt; 0: none
  int retries = 0;

  // The crew's own: units that are not accounted for, the pieces that they are in, and what others took.
  std::uint64_t left = 0;
  std::uint32_t pieces = 0;
  std::int64_t busy_ns = 0;
};

inline void Parcel::store_block(std::uint64_t, std::uint64_t, std::span<const std::byte>) {
  throw std::logic_error("this parcel takes no blocks of results");
}

}  // namespace furrow::pool
