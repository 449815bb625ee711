#include "deploy/modules.hpp"

#include <string_view>

#include "base/strings.hpp"

namespace furrow::deploy {

namespace {

// The files are those of Debian and Red Hat; a site's own is found by the variables that it sets.
constexpr std::string_view kDefineModule =
    R"(command -v module >/dev/null 2>&1 || for furrow_file in "${MODULESHOME:-}/init/sh" "${LMOD_PKG:-}/init/sh" )"
    R"(/etc/profile.d/modules.sh /etc/profile.d/lmod.sh /etc/profile.d/z00_lmod.sh /usr/share/modules/init/sh )"
    R"(/usr/share/Modules/init/sh /usr/share/lmod/lmod/init/sh; do )"
    R"(if [ -r "$furrow_file" ]; then . "$furrow_file"; break; fi; done; )";

// Before strict mode is on, since the code behind `module` may use variables that are not set.
std::string loading(const std::vector<std::string>& modules) {
  std::vector<std::string> words;
  for (const std::string& module : modules) words.push_back(shell_quote(module));
  const std::string message = "furrow: cannot load the environment modules " + join(modules, " ");
  return std::string(kDefineModule) + "module purge && module load " + join(words, " ") + " || { echo " +
         shell_quote(message) + " >&2; exit 1; }; ";
}

// What a script in Python needs, see bootstrap.py of the evaluator.
std::string choosing_python(const std::string& python) {
  return R"sh(if [ "$(command -v python3)" = "$furrow_python" ]; then shift; set -- )sh" +
         shell_quote(python) +
         R"sh( "$@"; elif ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 7))'; then )sh"
         R"sh(echo "furrow: $(command -v python3), which the modules bring, is older than Python 3.7" >&2; )sh"
         "exit 1; fi; ";
}

bool speaks_posix(std::string_view shell) {
  const std::string_view name = shell.substr(shell.rfind('/') + 1);
  return name == "bash" || name == "sh" || name == "dash" || name == "ksh" || name == "zsh";
}

void load_before_program(const std::vector<std::string>& modules, const std::string& python,
                         plan::Launch& launch) {
  const bool is_python = !launch.argv.empty() && launch.argv.front() == "python3";
  std::string text = is_python ? "furrow_python=$(command -v python3); " : "";
  text += loading(modules);
  if (is_python) text += choosing_python(python);
  std::vector<std::string> argv{"bash", "-c", text + R"(exec "$@")", "furrow"};
  argv.insert(argv.end(), launch.argv.begin(), launch.argv.end());
  launch.argv = std::move(argv);
}

}  // namespace

void load_modules(const std::vector<std::string>& modules, const std::string& python, plan::Launch& launch) {
  using Kind = plan::Launch::Kind;
  if (launch.kind == Kind::kShell && speaks_posix(launch.executable)) {
    launch.prefix = loading(modules) + launch.prefix;
  } else if (launch.kind == Kind::kShell) {
    launch.kind = Kind::kProgram;
    launch.argv = {launch.executable, "-c", launch.prefix + launch.command};
    load_before_program(modules, python, launch);
  } else if (launch.kind == Kind::kProgram) {
    load_before_program(modules, python, launch);
  }
}

}  // namespace furrow::deploy
