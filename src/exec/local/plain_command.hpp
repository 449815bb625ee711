// Commands that need no shell: plain words on one line, the first of which names a program.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace furrow::exec {

// The prefix under which a single simple command does the same as without it.
inline constexpr std::string_view kDefaultPrefix = "set -euo pipefail; ";

// The words of COMMAND if any POSIX shell would run it as exactly one program with exactly these arguments;
// else nothing.
std::optional<std::vector<std::string>> plain_words(std::string_view command);

// Whether a shell would take WORD as a builtin or keyword, and not as a program.
bool is_shell_word(std::string_view word);

}  // namespace furrow::exec
