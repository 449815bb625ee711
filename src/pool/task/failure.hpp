// Makes Failures: from the exception that is being handled, or for a worker that died.
#pragma once

#include <string>

#include "furrow/errors.hpp"

namespace furrow::pool {

// Thrown inside a worker if a task was stopped at its timeout; becomes a failure of kind kTimeout.
struct TimeRanOut {
  double timeout_s;
};

// Thrown if a result cannot be sent; becomes a failure of kind kLost.
struct ResultLost {
  std::string why;
};

// Describes the exception that is being handled; call it in a handler. The caller sets index and attempts.
Failure current_failure();

// The error category of this name: a standard one, or one that stands for a category of the program's own.
const std::error_category& category_named(const std::string& name);

// "task 7: its worker was killed by signal 11 (Segmentation fault)". WAIT_STATUS is as waitpid returns it.
Failure died(std::uint64_t index, int wait_status);

// "the task took longer than 2 s and was stopped".
Failure timed_out(std::uint64_t index, double timeout_s);

// A failure of kind kCancelled: the task was never tried.
Failure cancelled(std::string why);

// A failure of kind kLost: it is not known what became of the task.
Failure lost(std::string why);

}  // namespace furrow::pool
