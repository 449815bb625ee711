// How the command reports errors.
#pragma once

#include "base/error.hpp"

namespace furrow::cli {

// Prints the error to standard error and returns the exit code for it.
int report_error(const Error& error);

}  // namespace furrow::cli
