// What became of one item: its result, or why there is none. Made by Pool::try_map.
//
// A value type: moves and copies as its result does. Not thread-safe while it changes.
#pragma once

#include <optional>
#include <utility>

#include "furrow/errors.hpp"

namespace furrow {

template <class R>
class Outcome {
 public:
  Outcome() = default;
  Outcome(R value) : value_(std::move(value)) {}
  Outcome(Failure failure) : failure_(std::move(failure)) {}

  bool ok() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  // Throws the task's exception (see errors.hpp) where there is no result.
  R& value() & { return ok() ? *value_ : (throw_failure(failure_), *value_); }
  const R& value() const& { return ok() ? *value_ : (throw_failure(failure_), *value_); }
  R&& value() && { return std::move(value()); }
  // Only meaningful where ok() is false.
  const Failure& failure() const noexcept { return failure_; }

 private:
  std::optional<R> value_{};
  Failure failure_{};
};

// A task without a result.
template <>
class Outcome<void> {
 public:
  Outcome() = default;
  Outcome(Failure failure) : failure_(std::move(failure)) {}
  static Outcome done() {
    Outcome outcome;
    outcome.ok_ = true;
    return outcome;
  }
  bool ok() const noexcept { return ok_; }
  explicit operator bool() const noexcept { return ok(); }
  void value() const {
    if (!ok_) throw_failure(failure_);
  }
  const Failure& failure() const noexcept { return failure_; }

 private:
  bool ok_ = false;
  Failure failure_{};
};

}  // namespace furrow
