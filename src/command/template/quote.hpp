// Quotes text for the shell exactly as GNU parallel does in --dry-run and in its job log, so that the two can
// be compared. (base's shell_quote is for people: it leaves more characters unquoted.)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace furrow::command {

// What a shell reads within apostrophes. kPosix: every byte as it is. kFish: a backslash escapes itself.
// kCsh: a backslash is needed before ! and before a newline.
enum class QuoteStyle : std::uint8_t { kPosix, kFish, kCsh };

// Appends TEXT, any bytes, as one word (or part of one).
void append_quoted(std::string& out, std::string_view text, QuoteStyle style = QuoteStyle::kPosix);

}  // namespace furrow::command
