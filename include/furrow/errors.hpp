// What a Pool throws, and what is known about an item that failed.
//
// A task's exception of a standard type reaches the caller as an object that is both an exception of that type
// and a TaskError: `catch (const std::invalid_argument&)` and `catch (const furrow::TaskError&)` both find it, on
// every backend. what() is the task's own message; codes and paths (std::system_error, filesystem_error) are the
// task's own too. If the task ran in this process, std::rethrow_if_nested() gives the original.
//
// An exception of any other type is thrown as itself if the task ran in this process (serial, threads, async);
// it is then no TaskError, and try_map tells its index. From another process it arrives as its nearest standard
// base class, or as TaskFailed if it has none, and is a TaskError.
//
// All types here are values, safe to copy and to hand to another thread.
#pragma once

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>

#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE {

enum class FailureKind : std::uint8_t {
  kException,  // the task threw
  kDied,       // its worker process ended: see signal and exit_status
  kTimeout,    // it took longer than MapOptions::timeout_s
  kLost,       // its result could not be sent back: it has no serializer, or the serializer threw
  kCancelled,  // its map or call was stopped first: it never ran, or was ended
};

// All that is known about one item that failed.
struct Failure {
  std::uint64_t index = 0;  // of the item in its map; 0 for a single call
  FailureKind kind = FailureKind::kException;
  int attempts = 1;     // how often the task was tried
  int signal = 0;       // kDied: the signal that ended the worker; 0 if it exited
  int exit_status = 0;  // kDied: the worker's exit status, if no signal ended it
  int error_code = 0;   // of a std::system_error, std::future_error or std::regex_error
  // Of error_code; null if there is none. A category of the program's own arrives from another process as
  // another one with the same name, whose messages say no more than the number.
  const std::error_category* category = nullptr;
  std::string path1{}, path2{};  // of a std::filesystem::filesystem_error
  std::string type{};            // the name of the exception's type, as the program spells it
  std::string standard{};        // the nearest standard type, as "std::runtime_error"; empty if there is none
  std::string message{};
  std::exception_ptr original{};  // null if the task ran in another process
  bool is_own_type = false;       // ORIGINAL is thrown as it is: its type is not a standard one
};

// The part of every exception from a task that says which task it was.
class FURROW_API TaskError {
 public:
  explicit TaskError(Failure failure) : failure_(static_cast<Failure&&>(failure)) {}
  virtual ~TaskError() = default;
  TaskError(const TaskError&) = default;
  TaskError& operator=(const TaskError&) = default;
  std::uint64_t index() const noexcept { return failure_.index; }
  const std::string& message() const noexcept { return failure_.message; }
  const Failure& failure() const noexcept { return failure_; }

 private:
  Failure failure_;
};

// Thrown for a lost result, or an exception of no standard type in another process.
class FURROW_API TaskFailed : public std::runtime_error, public TaskError {
 public:
  explicit TaskFailed(const Failure& failure) : std::runtime_error(failure.message), TaskError(failure) {}
};

// The worker process ended while it ran the task:
// "task 7: its worker was killed by signal 11 (Segmentation fault)".
class FURROW_API WorkerDied : public TaskFailed {
 public:
  using TaskFailed::TaskFailed;
  int signal() const noexcept { return failure().signal; }
  int exit_status() const noexcept { return failure().exit_status; }
};

class FURROW_API TaskTimeout : public TaskFailed {
 public:
  using TaskFailed::TaskFailed;
};

// The call was cancelled (docs/pool.md: Cancelling), or its Pool was destroyed before it began. A map that was cancelled
// has no index of an item: index() is 0.
class FURROW_API Cancelled : public TaskFailed {
 public:
  using TaskFailed::TaskFailed;
};

// The Pool cannot do this with its backend, in its current state, or with this function. Nothing was run.
class FURROW_API PoolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws FAILURE as the exception type described at the top of this file.
[[noreturn]] FURROW_API void throw_failure(const Failure& failure);

}  // namespace FURROW_NAMESPACE
