// Parses the values of `furrow map`'s options, in GNU parallel's syntax.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cli/map/map_command_options.hpp"

namespace furrow::cli {

Result<std::int64_t> parse_integer(std::string_view text);
// "10", "1.5k", "2M": capital suffixes are powers of 1024, small ones powers of 1000.
Result<double> parse_size(std::string_view text);
// "0.5", "90", "1m30s", "2h": seconds.
Result<double> parse_duration(std::string_view text);
// "8", "+2", "-1", "50%", or a file that contains one of these.
Result<Count> parse_count(const std::string& text);
// "now,fail=1", "soon,done=10%", "never", 2, 1, 0, -1, -2, "5%".
Result<Halt> parse_halt(std::string_view text);
// "TERM,200,TERM,100,KILL,25": signals by name or number, and milliseconds.
Result<std::vector<SignalStep>> parse_term_sequence(std::string_view text);
// Replaces \n, \t, \r, \0, \\, octal \101 and hexadecimal \x41 in a delimiter.
std::string unescape(std::string_view text);

}  // namespace furrow::cli
