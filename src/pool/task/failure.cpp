#include "pool/task/failure.hpp"

#include <cxxabi.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <any>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <ios>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <regex>
#include <string_view>
#include <system_error>
#include <typeinfo>
#include <variant>
#if __has_include(<format>)
#include <format>
#endif

#include "furrow/backend.hpp"

namespace FURROW_NAMESPACE {

namespace {

#define QUOTED_NAME(name) #name
#define QUOTED(macro) QUOTED_NAME(macro)

// The name as a program spells it, so without the namespace of the ABI.
std::string demangled(const char* name) {
  static constexpr std::string_view kAbi = "furrow::" QUOTED(FURROW_ABI) "::";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  std::string spelled = status == 0 ? readable.get() : name;
  for (auto at = spelled.find(kAbi); at != std::string::npos; at = spelled.find(kAbi, at))
    spelled.replace(at, kAbi.size(), "furrow::");
  return spelled;
}

#undef QUOTED
#undef QUOTED_NAME

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
std::error_code code_of(const Failure& failure) {
  return {failure.error_code, failure.category ? *failure.category : std::generic_category()};
}
void raise_system_error(const Failure& failure) {
  throw_with_original(TaskException<std::system_error>(failure, code_of(failure)), failure.original);
}
void raise_stream_failure(const Failure& failure) {
  throw_with_original(TaskException<std::ios_base::failure>(failure, failure.message, code_of(failure)),
                      failure.original);
}
void raise_filesystem_error(const Failure& failure) {
  throw_with_original(TaskException<std::filesystem::filesystem_error>(
                          failure, failure.message, failure.path1, failure.path2, code_of(failure)),
                      failure.original);
}
void raise_future_error(const Failure& failure) {
  throw_with_original(
      TaskException<std::future_error>(failure, static_cast<std::future_errc>(failure.error_code)),
      failure.original);
}
void raise_regex_error(const Failure& failure) {
  throw_with_original(TaskException<std::regex_error>(
                          failure, static_cast<std::regex_constants::error_type>(failure.error_code)),
                      failure.original);
}

constexpr Standard kStandard[] = {
    {"std::invalid_argument", &is<std::invalid_argument>, &raise_with_message<std::invalid_argument>},
    {"std::domain_error", &is<std::domain_error>, &raise_with_message<std::domain_error>},
    {"std::length_error", &is<std::length_error>, &raise_with_message<std::length_error>},
    {"std::out_of_range", &is<std::out_of_range>, &raise_with_message<std::out_of_range>},
    {"std::future_error", &is<std::future_error>, &raise_future_error},
    {"std::logic_error", &is<std::logic_error>, &raise_with_message<std::logic_error>},
    {"std::range_error", &is<std::range_error>, &raise_with_message<std::range_error>},
    {"std::overflow_error", &is<std::overflow_error>, &raise_with_message<std::overflow_error>},
    {"std::underflow_error", &is<std::underflow_error>, &raise_with_message<std::underflow_error>},
    {"std::filesystem::filesystem_error", &is<std::filesystem::filesystem_error>, &raise_filesystem_error},
    {"std::ios_base::failure", &is<std::ios_base::failure>, &raise_stream_failure},
    {"std::system_error", &is<std::system_error>, &raise_system_error},
    {"std::regex_error", &is<std::regex_error>, &raise_regex_error},
#ifdef __cpp_lib_format
    {"std::format_error", &is<std::format_error>, &raise_with_message<std::format_error>},
#endif
    {"std::runtime_error", &is<std::runtime_error>, &raise_with_message<std::runtime_error>},
    {"std::bad_array_new_length", &is<std::bad_array_new_length>, &raise_plain<std::bad_array_new_length>},
    {"std::bad_alloc", &is<std::bad_alloc>, &raise_plain<std::bad_alloc>},
    {"std::bad_any_cast", &is<std::bad_any_cast>, &raise_plain<std::bad_any_cast>},
    {"std::bad_weak_ptr", &is<std::bad_weak_ptr>, &raise_plain<std::bad_weak_ptr>},
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
  if (failure.kind == FailureKind::kCancelled) throw Cancelled(failure);
  if (failure.kind == FailureKind::kException) {
    if (failure.is_own_type && failure.original) std::rethrow_exception(failure.original);
    for (const Standard& each : kStandard)
      if (failure.standard == each.name) each.raise(failure);
  }
  throw_with_original(TaskFailed(failure), failure.original);
}

}  // namespace FURROW_NAMESPACE

namespace furrow::pool {

namespace {

// Whether an exception of this type is thrown as itself. Not if it already says which task of an inner map it
// comes from: this one's caller asks for the outer task.
bool is_own_type(const std::string& type, const std::exception& exception) {
  if (dynamic_cast<const TaskError*>(&exception) || dynamic_cast<const PoolError*>(&exception)) return false;
  return type.rfind("std::", 0) != 0 || type.rfind("std::_Nested_exception<", 0) == 0;
}

void note_details(const std::exception& exception, Failure& failure) {
  const auto note = [&](const std::error_code& code) {
    failure.error_code = code.value();
    failure.category = &code.category();
  };
  if (const auto* coded = dynamic_cast<const std::system_error*>(&exception)) note(coded->code());
  if (const auto* coded = dynamic_cast<const std::future_error*>(&exception)) note(coded->code());
  if (const auto* coded = dynamic_cast<const std::regex_error*>(&exception))
    failure.error_code = coded->code();
  if (const auto* file = dynamic_cast<const std::filesystem::filesystem_error*>(&exception)) {
    failure.path1 = file->path1().string();
    failure.path2 = file->path2().string();
  }
}

}  // namespace

Failure current_failure() {
  Failure failure;
  failure.original = std::current_exception();
  try {
    throw;
  } catch (const TimeRanOut& late) {
    failure.kind = FailureKind::kTimeout;
    failure.message = fmt::format("the task took longer than {:g} s", late.timeout_s);
    failure.original = nullptr;
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
    note_details(exception, failure);
    failure.is_own_type = is_own_type(failure.type, exception);
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    failure.type = type ? demangled(type->name()) : "an unknown type";
    failure.message = "the task threw an object of type " + failure.type + ", which is not a std::exception";
    failure.is_own_type = true;
  }
  return failure;
}

namespace {

// Stands for a category of the program's own, of which another process told only the name.
class NamedCategory final : public std::error_category {
 public:
  explicit NamedCategory(std::string name) : name_(std::move(name)) {}
  const char* name() const noexcept override { return name_.c_str(); }
  std::string message(int code) const override { return name_ + " error " + std::to_string(code); }

 private:
  std::string name_;
};

}  // namespace

const std::error_category& category_named(const std::string& name) {
  for (const std::error_category* each : {&std::generic_category(), &std::system_category(),
                                          &std::iostream_category(), &std::future_category()})
    if (name == each->name()) return *each;
  static std::mutex mutex;
  // Never destroyed, since codes refer to them.
  static auto& others = *new std::map<std::string, NamedCategory>;
  const std::lock_guard lock(mutex);
  return others.try_emplace(name, name).first->second;
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

Failure stopped_first() { return cancelled("it was stopped first"); }

Failure unsent_input() { return lost("its input could not be sent: " + current_failure().message); }

Failure unread_input(Failure why) {
  why.kind = FailureKind::kLost;
  why.message = "its input could not be read: " + why.message;
  return why;
}

Failure unread_result() { return lost("its result could not be read: " + current_failure().message); }

std::string initializer_failed(const std::string& where, const std::string& why) {
  return "the initializer failed in " + where + ": " + why;
}

std::string initializer_failed(int worker, const std::string& why) {
  return initializer_failed("worker " + std::to_string(worker), why);
}

std::string initializer_failed(int worker, int wait_status) {
  return initializer_failed(worker, "its process " + how_it_ended(wait_status));
}

std::string how_it_ended(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return "was killed by signal " + std::to_string(WTERMSIG(wait_status)) + " (" +
           ::strsignal(WTERMSIG(wait_status)) + ")";
  return "exited with status " + std::to_string(WEXITSTATUS(wait_status));
}

Failure died(std::uint64_t index, const std::string& how) {
  Failure failure;
  failure.index = index;
  failure.kind = FailureKind::kDied;
  failure.message = "task " + std::to_string(index) + ": " + how;
  return failure;
}

Failure died(std::uint64_t index, int wait_status) {
  Failure failure = died(index, "its worker " + how_it_ended(wait_status));
  if (WIFSIGNALED(wait_status))
    failure.signal = WTERMSIG(wait_status);
  else
    failure.exit_status = WEXITSTATUS(wait_status);
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

}  // namespace furrow::pool
