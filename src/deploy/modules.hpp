// Environment modules (Tcl or Lmod): what goes before a job's command so that it runs with modules loaded.
//
// They are loaded where the job runs and by the job's own shell, since what a module does may differ from node to node.
// `module` is a function of the shell. A shell that has not inherited it reads the file that defines it.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/executor.hpp"

namespace furrow::deploy {

// Changes LAUNCH so that nothing but MODULES is loaded when it runs, and so that it fails if one cannot be loaded. The
// program "python3" becomes PYTHON unless the modules bring a Python of their own.
void load_modules(const std::vector<std::string>& modules, const std::string& python, plan::Launch& launch);

}  // namespace furrow::deploy
