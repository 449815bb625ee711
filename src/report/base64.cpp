#include "report/base64.hpp"

#include <cstdint>

namespace furrow::report {

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  char* to = text.data();
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t left = bytes.size() - at;
    const auto byte = [&](std::size_t place) {
      return place < left ? static_cast<std::uint8_t>(bytes[at + place]) : 0u;
    };
    const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    to[0] = kDigits[group >> 18];
    to[1] = kDigits[group >> 12 & 63];
    if (left > 1) to[2] = kDigits[group >> 6 & 63];
    if (left > 2) to[3] = kDigits[group & 63];
    to += 4;
  }
  return text;
}

}  // namespace furrow::report
