// What went wrong, where, and what to do about it: the error of every layer, returned and never thrown
// between layers.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace furrow {

struct Error {
  std::string message;
  std::string file{};    // the user's file that the error is about; empty where there is none
  int line = 0;          // 1-based; 0 where there is none
  std::string hint{};    // one sentence that says what to do; may be empty
  std::string detail{};  // further lines (a user's traceback, the end of a log); may be empty

  // "file:line: message", then the detail and the hint on lines of their own.
  std::string to_string() const;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> fail(std::string message) { return fail(Error{std::move(message)}); }

// "WHAT: strerror(errno)", read before anything else can change errno.
Error system_error(const std::string& what);

}  // namespace furrow
