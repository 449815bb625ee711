// A byte buffer for messages. It grows without zeroing the new bytes, and keeps its capacity when it is
// cleared. A large one uses huge pages, and takes memory that an earlier one gave back if there is some:
// touching new pages costs more than the copy into them.
//
// Owned by value, movable. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "furrow/codec.hpp"
#include "pool/bytes_reader.hpp"

namespace furrow::remote {

class Bytes final : public Writer {
 public:
  Bytes() = default;
  Bytes(Bytes&& other) noexcept { swap(other); }
  Bytes& operator=(Bytes&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Bytes() override { release(); }

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  void shrink_to(std::size_t size) { size_ = size; }

  // Appends SIZE uninitialized bytes and returns where they begin.
  std::byte* extend(std::size_t size) {
    expect(size);
    return data_ + std::exchange(size_, size_ + size);
  }
  void write(const void* data, std::size_t size) override {
    if (size != 0) std::memcpy(extend(size), data, size);
  }
  void expect(std::size_t size) override {
    if (size > capacity_ - size_) grow(size);
  }

 private:
  void grow(std::size_t more);
  void release() noexcept;
  void swap(Bytes& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace furrow::remote
