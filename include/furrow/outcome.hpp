// The result of one item, or why there is none. Made by Pool::try_map.
//
// A value type that moves and copies as its result does. Not thread-safe while it is being changed.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "furrow/detail/abi.hpp"
#include "furrow/errors.hpp"

namespace FURROW_NAMESPACE {

namespace detail {

// The failure of an Outcome that nothing was stored in.
inline const Failure& never_run() noexcept {
  static const Failure none = [] {
    Failure failure;
    failure.kind = FailureKind::kCancelled;
    failure.attempts = 0;
    return failure;
  }();
  return none;
}

}  // namespace detail

template <class R>
class Outcome {
 public:
  Outcome() = default;
  Outcome(R value) : value_(std::move(value)) {}
  Outcome(Failure failure) : failure_(std::make_shared<const Failure>(std::move(failure))) {}

  bool ok() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  // Throws the task's exception (see errors.hpp) if there is no result.
  R& value() & { return ok() ? *value_ : (throw_failure(failure()), *value_); }
  const R& value() const& { return ok() ? *value_ : (throw_failure(failure()), *value_); }
  R&& value() && { return std::move(value()); }
  // Only if ok() is false.
  const Failure& failure() const noexcept { return failure_ ? *failure_ : detail::never_run(); }

 private:
  std::optional<R> value_{};
  std::shared_ptr<const Failure> failure_{};  // shared, since it never changes; null where there is a result
};

// The outcome of a task that returns nothing.
template <>
class Outcome<void> {
 public:
  Outcome() = default;
  Outcome(Failure failure) : failure_(std::make_shared<const Failure>(std::move(failure))) {}
  static Outcome done() {
    Outcome outcome;
    outcome.ok_ = true;
    return outcome;
  }
  bool ok() const noexcept { return ok_; }
  explicit operator bool() const noexcept { return ok(); }
  void value() const {
    if (!ok_) throw_failure(failure());
  }
  const Failure& failure() const noexcept { return failure_ ? *failure_ : detail::never_run(); }

 private:
  bool ok_ = false;
  std::shared_ptr<const Failure> failure_{};  // shared, since it never changes; null where there is a result
};

}  // namespace FURROW_NAMESPACE
