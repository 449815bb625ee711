// Where the user's Python and the evaluator's own files are.
#pragma once

#include <string>

#include "base/error.hpp"

namespace furrow::snakefile {

// The program to start: NAMED (of --python), else FURROW_PYTHON, else python3; without a slash it is searched
// on PATH. Absolute, but links are not followed, since a virtual environment is known by its link.
Result<std::string> find_python(const std::string& named);

// The file to run: main.py in FOLDER, else in FURROW_EVALUATOR, else in ../share/furrow/evaluator seen from
// this program.
Result<std::string> find_evaluator(const std::string& folder);

}  // namespace furrow::snakefile
