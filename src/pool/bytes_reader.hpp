// Decodes values from bytes that somebody else keeps. Not thread-safe; throws std::runtime_error where a value
// needs more bytes than are left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "pool/value_reader.hpp"

namespace furrow::pool {

class BytesReader : public ValueReader {
 public:
  BytesReader(const std::byte* data, std::size_t size) : at_(data), left_(size) {}
  // TOO_SHORT: what the error says; kept for as long as the reader.
  explicit BytesReader(std::string_view bytes, const char* too_short = kEndsTooEarly)
      : at_(reinterpret_cast<const std::byte*>(bytes.data())), left_(bytes.size()), too_short_(too_short) {}

  void read(void* data, std::size_t size) override {
    const std::byte* const from = skip(size);
    if (size != 0) std::memcpy(data, from, size);
  }
  std::uint64_t remaining() const override { return left_; }
  void copy_rest(Writer& to) override {
    const std::size_t size = left_;
    to.write(skip(size), size);
  }
  template <class T>
  T take() {
    T value;
    read(&value, sizeof value);
    return value;
  }
  // Skips the next SIZE bytes and returns where they lie.
  const std::byte* skip(std::size_t size) {
    if (size > left_) throw std::runtime_error(too_short_);
    left_ -= size;
    return std::exchange(at_, at_ + size);
  }

 private:
  const std::byte* at_;
  std::size_t left_;
  const char* too_short_ = kEndsTooEarly;
};

}  // namespace furrow::pool
