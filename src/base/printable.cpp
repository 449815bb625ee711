#include "base/printable.hpp"

#include <cstdint>

#include "base/utf8.hpp"

namespace furrow {

namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool is_plain(char c) { return c >= ' ' && c <= '~'; }

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
    } else if (const Utf8Character decoded = first_character(text); decoded.size == 0) {
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
