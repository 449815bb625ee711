// Quoting for the shell, in the form that GNU parallel has in --dry-run and in its job log, so that the two
// can be compared. (base's shell_quote is for people: it leaves more characters bare.)
#pragma once

#include <string>
#include <string_view>

namespace furrow::command {

// Appends TEXT, whatever bytes it holds, as one word (or part of one) for a POSIX shell.
void append_quoted(std::string& out, std::string_view text);

}  // namespace furrow::command
