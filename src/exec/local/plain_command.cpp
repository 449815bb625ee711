#include "exec/local/plain_command.hpp"

#include <algorithm>
#include <array>

namespace furrow::exec {

namespace {

// Builtins and keywords of bash and dash, sorted. A builtin may differ from a program of the same name.
constexpr auto kShellWords = std::to_array<std::string_view>(
    {".",         ":",        "alias",   "bg",      "bind",     "break",   "builtin",  "caller",  "case",
     "cd",        "chdir",    "command", "compgen", "complete", "compopt", "continue", "coproc",  "declare",
     "dirs",      "disown",   "do",      "done",    "echo",     "elif",    "else",     "enable",  "esac",
     "eval",      "exec",     "exit",    "export",  "false",    "fc",      "fg",       "fi",      "for",
     "function",  "getopts",  "hash",    "help",    "history",  "if",      "in",       "jobs",    "kill",
     "let",       "local",    "logout",  "mapfile", "popd",     "printf",  "pushd",    "pwd",     "read",
     "readarray", "readonly", "return",  "select",  "set",      "shift",   "shopt",    "source",  "suspend",
     "test",      "then",     "time",    "times",   "trap",     "true",    "type",     "typeset", "ulimit",
     "umask",     "unalias",  "unset",   "until",   "wait",     "while"});
static_assert(std::is_sorted(kShellWords.begin(), kShellWords.end()));

constexpr std::string_view kBlank = " \t";
constexpr std::string_view kSpace = " \t\n";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool can_be_program(std::string_view word) {
  // "x=1" is an assignment, "%1" a job of the shell.
  return word.find('=') == std::string_view::npos && word.front() != '%' && !is_shell_word(word);
}

}  // namespace

bool is_shell_word(std::string_view word) {
  return std::binary_search(kShellWords.begin(), kShellWords.end(), word);
}

std::optional<std::vector<std::string>> plain_words(std::string_view command) {
  std::vector<std::string> words;
  std::string_view rest = trimmed(command);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(kBlank), rest.size());
    const std::string_view word = rest.substr(0, end);
    if (!std::all_of(word.begin(), word.end(), is_plain)) return std::nullopt;
    if (words.empty() && !can_be_program(word)) return std::nullopt;
    words.emplace_back(word);
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlank, end), rest.size()));
  }
  if (words.empty()) return std::nullopt;
  return words;
}

}  // namespace furrow::exec
