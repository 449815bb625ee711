// Files that grow by checksummed blocks: kind (4 bytes), length of the body (4), body, XXH3-64 of these (8).
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace furrow::store {

void append_block(std::string& text, std::uint32_t kind, std::string_view body);

struct BlocksRead {
  std::size_t bytes = 0;    // of the whole blocks at the beginning
  bool is_damaged = false;  // whole blocks follow after one that is not: this was no interrupted write
};

// Hands over the whole blocks at the beginning of TEXT.
BlocksRead read_blocks(std::string_view text,
                       const std::function<void(std::uint32_t kind, std::string_view body)>& take);

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// What is missing is zero.
template <class T>
T value_of(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

template <class T>
void append_values(std::vector<T>& values, std::string_view bytes) {
  const std::size_t before = values.size(), count = bytes.size() / sizeof(T);
  values.resize(before + count);
  if (count > 0) std::memcpy(values.data() + before, bytes.data(), count * sizeof(T));
}

}  // namespace furrow::store
