// Text from outside, made safe to show: names, values and commands may hold anything, and a terminal obeys what it
// is sent.
#pragma once

#include <string>
#include <string_view>

namespace furrow {

// TEXT with escapes (\x1b, \r, \u202e) for what changes a terminal or hides text: control characters except newline and
// tab, characters that change the direction of text, and bytes that are not UTF-8.
std::string printable(std::string_view text);

// NAME with escapes for line ends and tabs, so that it cannot look like a line of ours. The rest is left to printable(),
// if it is for a terminal.
std::string one_line(std::string_view name);

}  // namespace furrow
