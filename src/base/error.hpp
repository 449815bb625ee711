// The error that every layer returns: what went wrong, where, and what to do about it. Layers return it to
// each other and never throw it.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace furrow {

struct Error {
  std::string message;
  // The user's file that the error is about; empty if there is none.
  std::string file{};
  // 1-based; 0 if there is none.
  int line = 0;
  // One sentence that says what to do; may be empty.
  std::string hint{};
  // Further lines (a user's traceback, the end of a log); may be empty.
  std::string detail{};

  // "file:line: message", then the detail and the hint, each on its own lines.
  std::string to_string() const;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> fail(std::string message) { return fail(Error{std::move(message)}); }

// What FURROW_TRY gives.
template <class T>
T take_value(Result<T>& result) {
  return *std::move(result);
}
inline void take_value(Result<void>&) {}

// The value of a Result. If it holds an error, the enclosing function returns that error instead:
//
//   FURROW_TRY(write_file(path, text));
//   const std::string text = FURROW_TRY(read_file(path));
//
// A statement expression, which GCC and Clang have: nothing else can both return and have a value.
#define FURROW_TRY(...)                                                          \
  __extension__({                                                                \
    auto furrow_result = (__VA_ARGS__);                                          \
    if (!furrow_result) return ::furrow::fail(std::move(furrow_result.error())); \
    ::furrow::take_value(furrow_result);                                         \
  })

// "WHAT: strerror(errno)". Reads errno first, before anything can change it.
Error system_error(const std::string& what);

}  // namespace furrow
