// UTF-8: the characters of a text that may hold any bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace furrow {

struct Utf8Character {
  char32_t code = 0;
  std::size_t size = 0;  // in bytes; 0: the text does not begin with a character of UTF-8
};

// The first one of TEXT, which is not empty. Overlong forms and surrogates are no characters.
Utf8Character first_character(std::string_view text);

// TEXT with U+FFFD for each byte that is not UTF-8.
std::string valid_utf8(std::string_view text);

}  // namespace furrow
