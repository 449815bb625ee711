// A chunk of a PendingMap: holds the encoded inputs until all of them are accounted for, and stores the results.
//
// The map owns it, and uses it again. The GIL guards it, as it guards the map.
#pragma once

#include <span>
#include <vector>

#include "native/pending_map.hpp"

namespace furrow::python {

class PendingMap::SentChunk : public pool::Chunk {
 public:
  explicit SentChunk(PendingMap& of) : map(of) {}

  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override;
  void encode_map(Writer& body) override;
  void store(std::uint64_t index, pool::ValueReader& result) override;
  void store_block(std::uint64_t index, std::uint64_t count, std::span<const std::byte> block) override;
  void failed(Failure failure, std::uint64_t first, int worker) override;
  void done(int worker, const Times& times) override;
  std::uint64_t index_in_map(std::uint64_t index) const override { return index - map.base_; }

  void clear() {
    bytes.clear();
    starts_.clear();
    encoded = 0;
  }

  PendingMap& map;
  Buffer bytes{};
  // How many inputs the bytes hold.
  std::uint64_t encoded = 0;
  // The arena offsets that the bytes refer to.
  std::vector<std::uint64_t> offsets{};

 private:
  void find_starts();

  // Where each input begins, and where the last one ends. Empty: not known.
  std::vector<std::size_t> starts_{};
};

}  // namespace furrow::python
