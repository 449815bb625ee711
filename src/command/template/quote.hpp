// Quotes text for the shell exactly as GNU parallel does in --dry-run and in its job log, so that the two can
// be compared. (base's shell_quote is for people: it leaves more characters unquoted.)
#pragma once

#include <string>
#include <string_view>

namespace furrow::command {

// Appends TEXT, any bytes, as one word (or part of one) for a POSIX shell.
void append_quoted(std::string& out, std::string_view text);

}  // namespace furrow::command
