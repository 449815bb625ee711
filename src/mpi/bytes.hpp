// Bytes on their way: grows without filling itself with zeros first, and keeps its room when it is emptied.
// Many bytes lie in memory of huge pages that has been used before, where there is some: new pages cost more
// than the copy into them.
//
// Owned by value, movable. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "furrow/codec.hpp"

namespace furrow::mpi_detail {

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

  // Room for SIZE more, whose contents are whatever they are.
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

// Reads bytes that somebody else keeps.
class BytesReader : public Reader {
 public:
  BytesReader(const std::byte* data, std::size_t size) : at_(data), left_(size) {}
  void read(void* data, std::size_t size) override {
    if (size > left_) throw std::runtime_error("a value from another process ends too early");
    if (size != 0) std::memcpy(data, at_, size);
    at_ += size;
    left_ -= size;
  }
  std::uint64_t remaining() const override { return left_; }
  template <class T>
  T take() {
    T value;
    read(&value, sizeof value);
    return value;
  }
  // The next SIZE bytes, where they are.
  const std::byte* skip(std::size_t size) {
    if (size > left_) throw std::runtime_error("a message from another rank is torn");
    left_ -= size;
    return std::exchange(at_, at_ + size);
  }

 private:
  const std::byte* at_;
  std::size_t left_;
};

}  // namespace furrow::mpi_detail
