#include "deploy/activation.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

#include "base/strings.hpp"

namespace furrow::deploy {

namespace {

// What the activation itself prints goes to standard error. An empty entry follows each list of variables.
constexpr const char* kProgram = R"sh(
exec 3>&1 1>&2
list=$(command -v env)
"$list" -0 >&3
printf '\0' >&3
code=$("$@") || exit 1
eval "$code"
if [ -z "${CONDA_PREFIX:-}" ]; then
  echo "it printed nothing that activates an environment" >&2
  exit 1
fi
"$list" -0 >&3
printf '\0' >&3
for python in "$CONDA_PREFIX/bin/python3" "$CONDA_PREFIX/bin/python"; do
  if [ -x "$python" ]; then
    printf '%s\0' "$python" >&3
    "$python" -c 'import sys; sys.stdout.write("%d.%d" % sys.version_info[:2])' >&3
    exit 0
  fi
done
exit 0
)sh";

using Variables = std::map<std::string, std::string, std::less<>>;

bool belongs_to_shell(std::string_view name) {
  return name == "_" || name == "SHLVL" || name == "PWD" || name == "OLDPWD" || name == "PS1";
}

std::string_view take_entry(std::string_view& text) {
  const std::size_t end = std::min(text.find('\0'), text.size());
  const std::string_view entry = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return entry;
}

Variables take_variables(std::string_view& text) {
  Variables variables;
  while (!text.empty()) {
    const std::string_view entry = take_entry(text);
    if (entry.empty()) break;
    const std::size_t sign = entry.find('=');
    if (sign == std::string_view::npos || belongs_to_shell(entry.substr(0, sign))) continue;
    variables.emplace(entry.substr(0, sign), entry.substr(sign + 1));
  }
  return variables;
}

}  // namespace

std::vector<std::string> activation_program(const std::vector<std::string>& activate) {
  std::vector<std::string> words{"/bin/bash", "--norc", "--noprofile", "-c", kProgram, "furrow"};
  words.insert(words.end(), activate.begin(), activate.end());
  return words;
}

Result<Activation> read_activation(std::string_view printed) {
  const Variables before = take_variables(printed);
  const Variables after = take_variables(printed);
  if (after.empty()) return fail("the activation has printed no variables");
  Activation activation;
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    if (old == before.end() || old->second != value) activation.set.emplace_back(name, value);
  }
  for (const auto& [name, value] : before)
    if (!after.contains(name)) activation.removed.push_back(name);
  activation.python = take_entry(printed);
  const std::vector<std::string> version = split(printed, '.');
  if (version.size() == 2) {
    activation.python_major = static_cast<int>(whole_number(version[0]).value_or(0));
    activation.python_minor = static_cast<int>(whole_number(version[1]).value_or(0));
  }
  return activation;
}

Result<void> activate(const Activation& activation, const std::string& host_python, plan::Launch& launch) {
  using Kind = plan::Launch::Kind;
  if (launch.kind != Kind::kShell && launch.kind != Kind::kProgram) return {};
  launch.environment.insert(launch.environment.end(), activation.set.begin(), activation.set.end());
  launch.removed.insert(launch.removed.end(), activation.removed.begin(), activation.removed.end());
  if (launch.kind != Kind::kProgram || launch.argv.empty() || launch.argv.front() != "python3") return {};
  if (activation.python.empty()) {
    launch.argv.front() = host_python;
    return {};
  }
  const std::pair version(activation.python_major, activation.python_minor);
  if (version < std::pair(3, 7))
    return fail(
        Error{"the Python of its conda environment, " + activation.python +
                  (version.first == 0
                       ? " does not run"
                       : " is " + std::to_string(version.first) + "." + std::to_string(version.second)),
              "", 0,
              "Scripts in Python need 3.7 or later. Without python in its environment, a script runs in the "
              "Python of the Snakefile; from shell: it may run in any."});
  launch.argv.front() = activation.python;
  return {};
}

std::vector<std::string> with_variables(const Activation& activation, std::vector<std::string> argv) {
  std::vector<std::string> words{"env"};
  for (const std::string& name : activation.removed) words.insert(words.end(), {"-u", name});
  for (const auto& [name, value] : activation.set) words.push_back(name + "=" + value);
  words.insert(words.end(), std::make_move_iterator(argv.begin()), std::make_move_iterator(argv.end()));
  return words;
}

}  // namespace furrow::deploy
