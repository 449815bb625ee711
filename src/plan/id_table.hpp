// A table indexed by dense ids whose entries can be erased. Memory is held in blocks of neighbouring ids; a
// block is freed once all of its ids were given out and all of its entries were erased. So a table through
// which a million jobs pass holds memory only for those still needed. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace furrow::plan {

template <class T>
class IdTable {
 public:
  T& operator[](std::size_t id) { return blocks_[id / kBlock]->entries[id % kBlock]; }
  const T& operator[](std::size_t id) const { return blocks_[id / kBlock]->entries[id % kBlock]; }
  std::size_t size() const { return size_; }  // ids given out so far

  T& emplace_back(T entry = {}) {
    if (size_ % kBlock == 0) blocks_.push_back(std::make_unique<Block>());
    T& added = (*this)[size_++];
    added = std::move(entry);
    return added;
  }
  void grow(std::size_t size, const T& entry = {}) {
    while (size_ < size) emplace_back(entry);
  }

  // The entry must not be used afterwards.
  void erase(std::size_t id) {
    std::unique_ptr<Block>& block = blocks_[id / kBlock];
    block->entries[id % kBlock] = T{};
    if (++block->erased == kBlock) block.reset();
  }

 private:
  static constexpr std::size_t kBlock = 512;
  struct Block {
    std::array<T, kBlock> entries{};
    std::size_t erased = 0;
  };
  std::vector<std::unique_ptr<Block>> blocks_;
  std::size_t size_ = 0;
};

}  // namespace furrow::plan
