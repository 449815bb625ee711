// Sinks, where a map's results go: small values that a kernel copies into registers. Not for direct use.
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/codec.hpp"
#include "furrow/detail/abi.hpp"
#include "furrow/outcome.hpp"

namespace FURROW_NAMESPACE::detail {

// The failure of an item without a result, since its map failed fast or was cancelled.
inline Failure cancelled_item(std::uint64_t index) {
  Failure failure;
  failure.index = index;
  failure.kind = FailureKind::kCancelled;
  failure.attempts = 0;
  failure.message = "the task was not run, since its map was stopped first";
  return failure;
}

struct NoSink {
  void store(std::uint64_t) const {}
};

template <class Iterator>
struct IteratorSink {
  Iterator first;
  template <class R>
  void store(std::uint64_t i, R&& result) const {
    first[static_cast<std::iter_difference_t<Iterator>>(i)] = std::forward<R>(result);
  }
  decltype(auto) operator[](std::uint64_t i) const {
    return first[static_cast<std::iter_difference_t<Iterator>>(i)];
  }
};

// A sink with kOwned writes to an array that belongs to the map alone, so that workers need no copy of it.
template <class R>
struct OwnedSink : IteratorSink<R*> {
  static constexpr bool kOwned = true;
};

template <class R>
struct OptionalSink {
  static constexpr bool kOwned = true;
  std::optional<R>* first;
  void store(std::uint64_t i, R&& result) const { first[i].emplace(std::move(result)); }
  const R& operator[](std::uint64_t i) const { return *first[i]; }
};

template <class R>
struct OutcomeSink {
  static constexpr bool kOwned = true;
  Outcome<R>* first;
  void store(std::uint64_t i, R&& result) const { first[i] = Outcome<R>(std::move(result)); }
  const R& operator[](std::uint64_t i) const { return std::as_const(first[i]).value(); }
};

template <>
struct OutcomeSink<void> {
  Outcome<void>* first;
  void store(std::uint64_t i) const { first[i] = Outcome<void>::done(); }
};

// Collects the results of a map until they are returned as a std::vector. Two kinds are collected in another
// container first: bool, since elements of a std::vector<bool> share bytes, and types without a default
// constructor, which must be built in place.
template <class R>
class Results {
 public:
  explicit Results(std::uint64_t size) { resize_fresh(results_, size); }
  auto sink() { return OwnedSink<R>{{results_.data()}}; }
  std::vector<R> take() { return std::move(results_); }

 private:
  std::vector<R> results_;
};

template <class R>
  requires(!std::is_default_constructible_v<R>)
class Results<R> {
 public:
  explicit Results(std::uint64_t size) : results_(size) {}
  auto sink() { return OptionalSink<R>{results_.data()}; }
  std::vector<R> take() {
    std::vector<R> taken;
    taken.reserve(results_.size());
    for (auto& each : results_) taken.push_back(*std::move(each));
    return taken;
  }

 private:
  std::vector<std::optional<R>> results_;
};

template <>
class Results<bool> {
 public:
  explicit Results(std::uint64_t size) : size_(size), results_(new bool[size]()) {}
  auto sink() { return IteratorSink<bool*>{results_.get()}; }
  std::vector<bool> take() { return std::vector<bool>(results_.get(), results_.get() + size_); }

 private:
  std::uint64_t size_;
  std::unique_ptr<bool[]> results_;
};

// Stores FAILURES, which are in the order of their indices. Items with neither a result nor a failure were not
// run, since the map failed fast.
template <class R>
void settle_outcomes(std::vector<Outcome<R>>& outcomes, std::vector<Failure>& failures) {
  auto next = failures.begin();
  for (std::uint64_t i = 0; i < outcomes.size(); ++i) {
    if (next != failures.end() && next->index == i)
      outcomes[i] = Outcome<R>(std::move(*next++));
    else if (!outcomes[i].ok())
      outcomes[i] = Outcome<R>(cancelled_item(i));
  }
}

}  // namespace FURROW_NAMESPACE::detail
