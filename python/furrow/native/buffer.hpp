// A growing array of bytes that does not zero new ones: the encoder writes them at once.
//
// Used by one thread. Owns its memory, and keeps it for the next use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace furrow::python {

class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { std::free(data_); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }

  // Appends SIZE uninitialized bytes and returns where they begin.
  char* grow(std::size_t size) {
    if (capacity_ - size_ < size) reserve(size_ + size);
    char* const room = data_ + size_;
    size_ += size;
    return room;
  }
  void append(const void* bytes, std::size_t size) {
    if (size != 0) std::memcpy(grow(size), bytes, size);
  }
  void byte(char value) { *grow(1) = value; }
  template <class Number>
  void number(Number value) {
    std::memcpy(grow(sizeof value), &value, sizeof value);
  }

  char* data() { return data_; }
  const char* data() const { return data_; }
  std::size_t size() const { return size_; }
  void cut(std::size_t size) { size_ = size; }
  void clear() { size_ = 0; }
  // Frees the memory if it is larger than MOST.
  void shrink(std::size_t most) {
    if (capacity_ <= most) return;
    std::free(std::exchange(data_, nullptr));
    size_ = capacity_ = 0;
  }

 private:
  void reserve(std::size_t size) {
    std::size_t capacity = capacity_ < 256 ? 256 : capacity_;
    while (capacity < size) capacity *= 2;
    void* const memory = std::realloc(data_, capacity);
    if (!memory) throw std::bad_alloc();
    data_ = static_cast<char*>(memory);
    capacity_ = capacity;
  }

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace furrow::python
