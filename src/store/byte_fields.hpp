// Fields of a block's body: numbers as they are in memory (little-endian), texts with their length (4 bytes) before them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace furrow::store {

template <class T>
void append_number(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline void append_text(std::string& bytes, std::string_view text) {
  append_number(bytes, static_cast<std::uint32_t>(text.size()));
  bytes.append(text);
}

// Reads field after field; once one is missing, all that follow are empty.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : left_(bytes) {}

  template <class T>
  T number() {
    T value{};
    if (left_.size() < sizeof value) return is_whole_ = false, value;
    std::memcpy(&value, left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
    return value;
  }

  std::string_view text() {
    const auto size = number<std::uint32_t>();
    if (left_.size() < size) is_whole_ = false;
    if (!is_whole_) return {};
    const std::string_view text = left_.substr(0, size);
    left_.remove_prefix(size);
    return text;
  }

  bool is_whole() const { return is_whole_; }
  std::string_view left() const { return left_; }

 private:
  std::string_view left_;
  bool is_whole_ = true;
};

}  // namespace furrow::store
