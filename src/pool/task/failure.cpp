#include "pool/task/failure.hpp"

#include <cxxabi.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <typeinfo>
#include <variant>

#include "furrow/backend.hpp"

namespace furrow {

namespace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 ? readable.get() : name;
}

// A standard exception that is also a TaskError.
template <class E>
class TaskException : public E, public TaskError {
 public:
  template <class... Made>
  explicit TaskException(const Failure& failure, Made&&... made)
      : E(std::forward<Made>(made)...), TaskError(failure) {}
  const char* what() const noexcept override { return message().c_str(); }
};

// Throws EXCEPTION with ORIGINAL nested in it, if there is one. throw_with_nested() nests the exception that
// is being handled, so ORIGINAL is thrown first.
template <class E>
[[noreturn]] void throw_with_original(E exception, const std::exception_ptr& original) {
  if (!original) throw exception;
  try {
    std::rethrow_exception(original);
  } catch (...) {
    std::throw_with_nested(std::move(exception));
  }
}

// How to recognise and throw each standard exception, the most derived first.
struct Standard {
  const char* name;
  bool (*is)(const std::exception&);
  void (*raise)(const Failure&);
};

template <class E>
bool is(const std::exception& exception) {
  return dynamic_cast<const E*>(&exception) != nullptr;
}
template <class E>
void raise_with_message(const Failure& failure) {
  throw_with_original(TaskException<E>(failure, failure.message), failure.original);
}
template <class E>
void raise_plain(const Failure& failure) {
  throw_with_original(TaskException<E>(failure), failure.original);
}
void raise_system_error(const Failure& failure) {
  throw_with_original(
      TaskException<std::system_error>(failure, std::error_code(failure.error_code, std::generic_category())),
      failure.original);
}

constexpr Standard kStandard[] = {
    {"std::invalid_argument", &is<std::invalid_argument>, &raise_with_message<std::invalid_argument>},
    {"std::domain_error", &is<std::domain_error>, &raise_with_message<std::domain_error>},
    {"std::length_error", &is<std::length_error>, &raise_with_message<std::length_error>},
    {"std::out_of_range", &is<std::out_of_range>, &raise_with_message<std::out_of_range>},
    {"std::logic_error", &is<std::logic_error>, &raise_with_message<std::logic_error>},
    {"std::range_error", &is<std::range_error>, &raise_with_message<std::range_error>},
    {"std::overflow_error", &is<std::overflow_error>, &raise_with_message<std::overflow_error>},
    {"std::underflow_error", &is<std::underflow_error>, &raise_with_message<std::underflow_error>},
    {"std::system_error", &is<std::system_error>, &raise_system_error},
    {"std::runtime_error", &is<std::runtime_error>, &raise_with_message<std::runtime_error>},
    {"std::bad_array_new_length", &is<std::bad_array_new_length>, &raise_plain<std::bad_array_new_length>},
    {"std::bad_alloc", &is<std::bad_alloc>, &raise_plain<std::bad_alloc>},
    {"std::bad_cast", &is<std::bad_cast>, &raise_plain<std::bad_cast>},
    {"std::bad_typeid", &is<std::bad_typeid>, &raise_plain<std::bad_typeid>},
    {"std::bad_function_call", &is<std::bad_function_call>, &raise_plain<std::bad_function_call>},
    {"std::bad_optional_access", &is<std::bad_optional_access>, &raise_plain<std::bad_optional_access>},
    {"std::bad_variant_access", &is<std::bad_variant_access>, &raise_plain<std::bad_variant_access>},
    {"std::bad_exception", &is<std::bad_exception>, &raise_plain<std::bad_exception>},
};

}  // namespace

const char* name(BackendKind kind) noexcept {
  switch (kind) {
    case BackendKind::kSerial:
      return "serial";
    case BackendKind::kThreads:
      return "threads";
    case BackendKind::kProcesses:
      return "processes";
    case BackendKind::kAsync:
      return "async";
    case BackendKind::kMpi:
      return "mpi";
  }
  return "unknown";
}

void throw_failure(const Failure& failure) {
  if (failure.kind == FailureKind::kDied) throw WorkerDied(failure);
  if (failure.kind == FailureKind::kTimeout) throw TaskTimeout(failure);
  if (failure.kind == FailureKind::kException) {
    for (const Standard& each : kStandard)
      if (failure.standard == each.name) each.raise(failure);
  }
  throw_with_original(TaskFailed(failure), failure.original);
}

namespace pool {

Failure current_failure() {
  Failure failure;
  failure.original = std::current_exception();
  try {
    throw;
  } catch (const TimeRanOut& stopped) {
    failure = timed_out(0, stopped.timeout_s);
  } catch (const ResultLost& lost) {
    failure.kind = FailureKind::kLost;
    failure.message = lost.why;
    failure.original = nullptr;
  } catch (const std::exception& exception) {
    failure.type = demangled(typeid(exception).name());
    failure.message = exception.what();
    for (const Standard& each : kStandard) {
      if (!each.is(exception)) continue;
      failure.standard = each.name;
      break;
    }
    if (const auto* coded = dynamic_cast<const std::system_error*>(&exception))
      failure.error_code = coded->code().value();
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    failure.type = type ? demangled(type->name()) : "an unknown type";
    failure.message = "the task threw an object of type " + failure.type + ", which is not a std::exception";
  }
  return failure;
}

Failure cancelled(std::string why) {
  Failure failure;
  failure.kind = FailureKind::kCancelled;
  failure.message = std::move(why);
  failure.attempts = 0;
  return failure;
}

Failure lost(std::string why) {
  Failure failure;
  failure.kind = FailureKind::kLost;
  failure.message = std::move(why);
  return failure;
}

Failure died(std::uint64_t index, int wait_status) {
  Failure failure;
  failure.index = index;
  failure.kind = FailureKind::kDied;
  if (WIFSIGNALED(wait_status)) {
    failure.signal = WTERMSIG(wait_status);
    failure.message = "task " + std::to_string(index) + ": its worker was killed by signal " +
                      std::to_string(failure.signal) + " (" + ::strsignal(failure.signal) + ")";
  } else {
    failure.exit_status = WEXITSTATUS(wait_status);
    failure.message = "task " + std::to_string(index) + ": its worker exited with status " +
                      std::to_string(failure.exit_status);
  }
  return failure;
}

Failure timed_out(std::uint64_t index, double timeout_s) {
  Failure failure;
  failure.index = index;
  failure.kind = FailureKind::kTimeout;
  char text[80];
  std::snprintf(text, sizeof text, "the task took longer than %g s and was stopped", timeout_s);
  failure.message = text;
  return failure;
}

}  // namespace pool
}  // namespace furrow
