// What ranks carry for a pool whose tasks are not C++ functions: who handles them in the workers, and how
// their values are told apart, which only those who wrote them can.
//
// Lives longer than the workers that run it. Thread-safety: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "pool/message_worker.hpp"

namespace furrow::pool {

class Cargo {
 public:
  virtual ~Cargo() = default;
  // What the workers run; forked with it.
  virtual MessageHandler& handler() = 0;
  // The size of COUNT results that were written one after the other (Parcel::store_block). Throws
  // std::runtime_error where they are garbled.
  virtual std::size_t measure(std::span<const std::byte> results, std::uint64_t count) = 0;
};

}  // namespace furrow::pool
