#include "base/printable.hpp"

#include <array>
#include <cstdint>

namespace furrow {

namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool is_plain(char c) { return c >= ' ' && c <= '~'; }

struct Decoded {
  char32_t code = 0;
  std::size_t size = 0;  // 0: not UTF-8
};

Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : byte(0) >= 0xc2 ? 2 : 0;
  if (size == 0 || byte(0) > 0xf4 || text.size() < size) return {};
  char32_t code = byte(0) & (0xff >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {code, size};
}

// The second set of control characters, line and paragraph separators, and marks that change the direction of text.
bool is_unsafe(char32_t code) {
  return (code >= 0x80 && code < 0xa0) || code == 0x61c || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void append_hex(std::string& out, char kind, std::uint32_t value, int digits) {
  out.append(1, '\\').append(1, kind);
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15];
}

void append_control(std::string& out, char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      break;
    case '\t':
      out += "\\t";
      break;
    case '\r':
      out += "\\r";
      break;
    default:
      append_hex(out, 'x', static_cast<unsigned char>(c), 2);
  }
}

std::string escaped(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    std::size_t size = 1;
    if (is_plain(c) || kept.find(c) != std::string_view::npos) {
      out += c;
    } else if (is_ascii(c)) {
      append_control(out, c);
    } else if (const Decoded decoded = decode(text); decoded.size == 0) {
      append_hex(out, 'x', static_cast<unsigned char>(c), 2);
    } else {
      size = decoded.size;
      if (is_unsafe(decoded.code)) {
        append_hex(out, 'u', decoded.code, 4);
      } else {
        out.append(text.substr(0, size));
      }
    }
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) { return escaped(text, "\n\t"); }

std::string one_line(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (const char c : name) {
    if (c == '\n' || c == '\r' || c == '\t') {
      append_control(out, c);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace furrow
