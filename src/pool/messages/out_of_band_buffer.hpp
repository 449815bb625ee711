// Large buffers that are sent between ranks separately from the values that refer to them. They are sent from
// where they are, and received into memory that the values' readers can see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

namespace furrow::pool {

struct OutOfBandBuffer {
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

  std::byte* data = nullptr;
  std::size_t size = 0;
  std::uint64_t at = kNowhere;   // the reference that values on this rank use for it
  std::shared_ptr<void> keep{};  // keeps the memory alive
};

// Buffers of one map that several of its values may refer to, by the reference that rank 0 uses.
using LastingBuffers = std::map<std::uint64_t, OutOfBandBuffer>;

}  // namespace furrow::pool
