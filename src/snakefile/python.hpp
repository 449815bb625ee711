// Finds the user's Python and the evaluator's own files.
#pragma once

#include <string>

#include "base/error.hpp"

namespace furrow::snakefile {

// The program to start: NAMED (from --python), else FURROW_PYTHON, else python3. A name without a slash is
// searched on PATH. Returns an absolute path, without following links, since a link identifies a virtual
// environment.
Result<std::string> find_python(const std::string& named);

// The file to run: main.py in FOLDER, else in FURROW_EVALUATOR, else in ../share/furrow/evaluator relative to
// this program.
Result<std::string> find_evaluator(const std::string& folder);

}  // namespace furrow::snakefile
