#include "base/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace furrow {

namespace {

constexpr const char* kReplacement = "\\ufffd";

unsigned char byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// By the first byte of a character; 0 if no character begins with it.
std::size_t size_of_character(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  if (first >= 0xf0 && first < 0xf5) return 4;
  return 0;
}

// The bounds of the second byte exclude overlong forms, surrogates and what is beyond U+10FFFF.
bool may_be_second(unsigned char first, unsigned char second) {
  const unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  return second >= least && second <= most;
}

// How many of the first SIZE bytes of TEXT, or of all if there are fewer, may belong to one character.
std::size_t valid_bytes(std::string_view text, std::size_t size) {
  const std::size_t there = std::min(size, text.size());
  std::size_t i = 1;
  for (; i < there; ++i) {
    const unsigned char byte = byte_at(text, i);
    if (i == 1 ? !may_be_second(byte_at(text, 0), byte) : (byte & 0xc0) != 0x80) break;
  }
  return i;
}

void append_ascii(std::string& out, char c) {
  if (c == '"' || c == '\\') {
    (out += '\\') += c;
  } else if (static_cast<unsigned char>(c) < 0x20) {
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  } else {
    out += c;
  }
}

}  // namespace

std::string JsonTextEscaper::append(std::string_view fragment) {
  const std::string joined = rest_.empty() ? std::string() : std::exchange(rest_, {}).append(fragment);
  std::string_view text = joined.empty() ? fragment : std::string_view(joined);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = size_of_character(byte_at(text, 0));
    const std::size_t valid = size == 0 ? 0 : valid_bytes(text, size);
    if (size == 1) {
      append_ascii(out, text.front());
    } else if (size != 0 && valid == size) {
      out += text.substr(0, size);
    } else if (size != 0 && valid == text.size()) {
      rest_ = text;
      break;
    } else {
      out += kReplacement;
    }
    text.remove_prefix(std::max<std::size_t>(valid, 1));
  }
  return out;
}

std::string JsonTextEscaper::finish() { return std::exchange(rest_, {}).empty() ? "" : kReplacement; }

std::string json_text(std::string_view text) {
  JsonTextEscaper escaper;
  std::string out = escaper.append(text);
  return out += escaper.finish();
}

}  // namespace furrow
