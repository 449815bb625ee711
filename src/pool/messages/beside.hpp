// Large buffers that lie beside the values that refer to them, on their way between ranks: sent from where
// they are, and received where those who need them can see them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

namespace furrow::pool {

struct Beside {
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

  std::byte* data = nullptr;
  std::size_t size = 0;
  std::uint64_t at = kNowhere;   // what values call it on this rank
  std::shared_ptr<void> keep{};  // it is there for as long as this
};

// Those of one job that several of its values may refer to, by what rank 0 calls them.
using LastingBuffers = std::map<std::uint64_t, Beside>;

}  // namespace furrow::pool
