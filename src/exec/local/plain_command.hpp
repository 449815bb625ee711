// Commands that need no shell: plain words on one line, the first of which names a program.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace furrow::exec {

// With this prefix a single simple command does the same as without it.
inline constexpr std::string_view kDefaultPrefix = "set -euo pipefail; ";

// The words of `command` if every POSIX shell would run it as exactly one program with exactly these
// arguments; otherwise nothing.
std::optional<std::vector<std::string>> plain_words(std::string_view command);

// Whether a shell would take `word` as a builtin or keyword rather than as a program.
bool is_shell_word(std::string_view word);

}  // namespace furrow::exec
