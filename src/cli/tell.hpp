// How the command speaks of what went wrong.
#pragma once

#include "base/error.hpp"

namespace furrow::cli {

// Prints the error to standard error; the exit code that goes with it.
int tell(const Error& error);

}  // namespace furrow::cli
