#include "report/crate/iri.hpp"

#include <fmt/format.h>

#include <cctype>

#include "base/hash.hpp"
#include "base/utf8.hpp"

namespace furrow::report {

namespace {

constexpr std::size_t kLongestName = 100;
constexpr std::string_view kPlain = "-._~!$&'()*+,;=/";

bool is_plain(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || kPlain.find(c) != std::string_view::npos;
}

// "ucschar" of RFC 3987, without the characters that change the direction of text.
bool is_iri_character(char32_t code) {
  if (code < 0xa0 || (code >= 0xd800 && code < 0xf900) || (code >= 0xfdd0 && code < 0xfdf0)) return false;
  if ((code >= 0xfff0 && code < 0x10000) || (code & 0xfffe) == 0xfffe || code >= 0xe0000) return false;
  return code != 0x61c && !(code >= 0x200e && code <= 0x200f) && !(code >= 0x2028 && code <= 0x202e) &&
         !(code >= 0x2066 && code <= 0x2069);
}

void append_encoded(std::string& out, std::string_view bytes) {
  for (const char c : bytes) out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
}

}  // namespace

std::string path_iri(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  while (!path.empty()) {
    const Utf8Character first = first_character(path);
    const std::string_view bytes = path.substr(0, first.size == 0 ? 1 : first.size);
    if (first.size == 1 ? is_plain(path.front()) : first.size > 1 && is_iri_character(first.code)) {
      out += bytes;
    } else {
      append_encoded(out, bytes);
    }
    path.remove_prefix(bytes.size());
  }
  return out;
}

std::string name_iri(std::string_view name) {
  if (name.size() > kLongestName) return fmt::format("{:016x}", hash64(name));
  const std::string path = path_iri(name);
  std::string out;
  for (const char c : path) c == '/' ? out += "%2F" : out += c;
  return out;
}

}  // namespace furrow::report
