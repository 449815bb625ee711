// Small text helpers that several layers share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace furrow {

// TEXT as one word for a POSIX shell; left as it is where it needs no quotes.
std::string shell_quote(std::string_view text);

// "3 jobs", "1 job".
std::string count_of(std::size_t n, std::string_view noun);

// "0.8 s", "12 s", "3 min 20 s", "2 h 5 min".
std::string human_duration(double seconds);

// The candidate nearest to TEXT by edit distance, or empty where none is near enough to be a slip of the
// hand.
std::string nearest(std::string_view text, const std::vector<std::string>& candidates);

// Pieces of TEXT between separators; an empty text has no pieces.
std::vector<std::string> split(std::string_view text, char separator);

// TEXT as a number, if that is all it is; no sign but "-", no blanks.
std::optional<std::int64_t> whole_number(std::string_view text);

std::string join(const std::vector<std::string>& pieces, std::string_view separator);

}  // namespace furrow
