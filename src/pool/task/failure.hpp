// Makes Failures: from the exception that is being handled, or for a worker that died.
#pragma once

#include <string>

#include "furrow/errors.hpp"

namespace furrow::pool {

// Thrown inside a worker if a task that ends has taken longer than its time limit; becomes a failure of kind kTimeout.
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

// How a process ended: "was killed by signal 9 (Killed)". WAIT_STATUS is as waitpid returns it.
std::string how_it_ended(int wait_status);
// "task 7: its worker was killed by signal 11 (Segmentation fault)".
Failure died(std::uint64_t index, int wait_status);
// "task 7: HOW": of a worker of which nobody knows how it ended.
Failure died(std::uint64_t index, const std::string& how);

// "the task took longer than 2 s and was stopped".
Failure timed_out(std::uint64_t index, double timeout_s);

// A failure of kind kCancelled: the task was never tried.
Failure cancelled(std::string why);

// The same for a task whose map or call was stopped before it began.
Failure stopped_first();

// A failure of kind kLost: it is not known what became of the task.
Failure lost(std::string why);
// The same where its input or its result did not arrive, because of the exception that is being handled.
Failure unsent_input();
Failure unread_result();
Failure unread_input(Failure why);  // WHY: what its worker reported

// What a PoolError says if the initializer failed.
std::string initializer_failed(const std::string& where, const std::string& why);
std::string initializer_failed(int worker, const std::string& why);
std::string initializer_failed(int worker, int wait_status);

}  // namespace furrow::pool
