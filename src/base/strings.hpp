// Small text helpers that several layers share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace furrow {

// TEXT quoted as one word for a POSIX shell; unchanged if it needs no quotes.
std::string shell_quote(std::string_view text);

// "3 jobs", "1 job".
std::string count_of(std::size_t n, std::string_view noun);

// "0.8 s", "12 s", "3 min 20 s", "2 h 5 min".
std::string human_duration(double seconds);

// The candidate nearest to TEXT by edit distance; empty if none is close enough to be a typing mistake.
std::string nearest(std::string_view text, const std::vector<std::string>& candidates);

// The parts of TEXT between separators; an empty text has no parts.
std::vector<std::string> split(std::string_view text, char separator);

// TEXT as a number, if it is nothing else; no sign but "-", no blanks.
std::optional<std::int64_t> whole_number(std::string_view text);

std::string join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace furrow
