// An Asio executor that knows which task its functions belong to. Not for direct use.
//
// A coroutine is resumed only by functions that its executor runs, since Asio's operations complete through
// the executor of their handler. So while such a function runs, the thread is in that coroutine's task, even
// if many coroutines take turns.
#pragma once

#include <asio/execution/executor.hpp>
#include <asio/prefer.hpp>
#include <asio/query.hpp>
#include <asio/require.hpp>
#include <asio/version.hpp>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/async_loop.hpp"

namespace FURROW_NAMESPACE::detail {

class ScopeSwitch {
 public:
  explicit ScopeSwitch(TaskScope* scope) noexcept : before_(switch_scope(scope)) {}
  ~ScopeSwitch() { switch_scope(before_); }
  ScopeSwitch(const ScopeSwitch&) = delete;
  ScopeSwitch& operator=(const ScopeSwitch&) = delete;

 private:
  TaskScope* before_;
};

template <class Function>
class ScopedFunction {
 public:
  template <class F>
  ScopedFunction(AsyncTask* task, std::uint64_t generation, F&& function)
      : task_(task), generation_(generation), function_(std::forward<F>(function)) {}
  void operator()() {
    // What a task left running after its end no longer belongs to it.
    const ScopeSwitch here(task_->generation == generation_ ? task_ : task_->outer());
    function_();
  }

 private:
  AsyncTask* task_;
  std::uint64_t generation_;
  Function function_;
};

template <class Inner>
class ScopedExecutor {
 public:
  ScopedExecutor(Inner inner, AsyncTask* task, std::uint64_t generation) noexcept
      : inner_(std::move(inner)), task_(task), generation_(generation) {}

  template <class Function>
  void execute(Function&& function) const {
    using Scoped = ScopedFunction<std::decay_t<Function>>;
#if ASIO_VERSION < 102400
    asio::execution::execute(inner_, Scoped(task_, generation_, std::forward<Function>(function)));
#else
    inner_.execute(Scoped(task_, generation_, std::forward<Function>(function)));
#endif
  }

  // All properties are those of the inner executor.
  template <class Property>
    requires(asio::can_query<const Inner&, Property>::value)
  decltype(auto) query(const Property& property) const
      noexcept(asio::is_nothrow_query<const Inner&, Property>::value) {
    return asio::query(inner_, property);
  }
  template <class Property>
    requires(asio::can_require<const Inner&, Property>::value)
  auto require(const Property& property) const {
    return scoped(asio::require(inner_, property));
  }
  template <class Property>
    requires(asio::can_prefer<const Inner&, Property>::value)
  auto prefer(const Property& property) const {
    return scoped(asio::prefer(inner_, property));
  }

  friend bool operator==(const ScopedExecutor& a, const ScopedExecutor& b) noexcept {
    return a.inner_ == b.inner_ && a.task_ == b.task_ && a.generation_ == b.generation_;
  }
  friend bool operator!=(const ScopedExecutor& a, const ScopedExecutor& b) noexcept { return !(a == b); }

 private:
  template <class Other>
  ScopedExecutor<std::decay_t<Other>> scoped(Other&& other) const {
    return {std::forward<Other>(other), task_, generation_};
  }
  Inner inner_;
  AsyncTask* task_;
  std::uint64_t generation_;
};

}  // namespace FURROW_NAMESPACE::detail
