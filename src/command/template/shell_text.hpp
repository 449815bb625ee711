// What the text of a shell command does, as far as it can be seen without running it.
#pragma once

#include <string_view>

namespace furrow::command {

// Whether COMMAND has the operator `&>` (or `&>>`) outside of quotes and comments. bash, zsh and fish redirect
// both streams with it. To a POSIX shell it is `&`, which runs the command in the background, and `>`.
bool redirects_both(std::string_view command);

}  // namespace furrow::command
