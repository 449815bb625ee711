// Draws decisions from the fuzzer's bytes, one after another; zero once they are used up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace furrow::fuzz {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  bool empty() const { return size_ == 0; }
  std::uint8_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  std::size_t below(std::size_t limit) { return byte() % limit; }
  std::string text(std::size_t length) {
    std::string result;
    while (result.size() < length && !empty()) result += static_cast<char>(byte());
    return result;
  }
  std::string rest() { return text(size_); }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

}  // namespace furrow::fuzz
