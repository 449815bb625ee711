// Failures: from the exception that is being handled, across processes, and back to an exception.
#pragma once

#include <string>

#include "furrow/errors.hpp"

namespace furrow::pool {

// Thrown inside a worker where a task was stopped for its time; becomes a failure of kind kTimeout.
struct TimeRanOut {
  double timeout_s;
};

// Thrown where a result cannot be handed over; becomes a failure of kind kLost.
struct ResultLost {
  std::string why;
};

// What the exception that is being handled says. To be called in a handler. INDEX and attempts are the
// caller's.
Failure current_failure();

// "task 7: its worker was killed by signal 11 (Segmentation fault)". STATUS as waitpid gives it.
Failure died(std::uint64_t index, int wait_status);

// "the task took longer than 2 s and was stopped".
Failure timed_out(std::uint64_t index, double timeout_s);

// Of kind kCancelled, of a task that was never tried.
Failure cancelled(std::string why);

// Of kind kLost: what became of the task is not known.
Failure lost(std::string why);

}  // namespace furrow::pool
