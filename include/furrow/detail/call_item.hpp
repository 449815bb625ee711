// Calls the user's function with one item, whatever it takes and returns. Not for direct use.
#pragma once

#include <functional>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/map_call.hpp"

namespace FURROW_NAMESPACE::detail {

// The result type of a function that returns Raw. <furrow/async.hpp> specialises this for awaitables.
template <class Raw>
struct Awaited {
  static constexpr bool kAwaitable = false;
  using Type = Raw;
};

// A type that must be awaited to get a result.
template <class Raw>
concept LooksAwaitable = requires(Raw raw) { raw.await_ready(); };
template <class Raw>
constexpr bool known_awaitable() {
  static_assert(!LooksAwaitable<Raw> || Awaited<Raw>::kAwaitable,
                "the function returns an awaitable: include <furrow/async.hpp>");
  return Awaited<Raw>::kAwaitable;
}

template <class F, class X>
concept Stoppable = !std::is_invocable_v<F&, X> && std::is_invocable_v<F&, X, std::stop_token>;

template <class F, class X>
struct CallOf {
  static_assert(std::is_invocable_v<F&, X> || Stoppable<F, X>,
                "the function does not take an element of this range");
  using Raw = typename std::conditional_t<Stoppable<F, X>, std::invoke_result<F&, X, std::stop_token>,
                                          std::invoke_result<F&, X>>::type;
  using Await = Awaited<std::remove_cvref_t<Raw>>;
  static constexpr bool kAwaitable = known_awaitable<std::remove_cvref_t<Raw>>();
  using Result = std::remove_cvref_t<typename Await::Type>;
};

template <class F, class X>
using ResultOf = typename CallOf<F, X>::Result;

// The function of a starmap: takes one tuple-like element and passes its parts as arguments.
template <class F>
struct Starred {
  F* f;
  template <class X, class... More>
  static constexpr bool takes() {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return std::is_invocable_v<F&, decltype(std::get<I>(std::declval<X>()))..., More...>;
    }(std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<X>>>{});
  }
  template <class X>
    requires(takes<X>())
  decltype(auto) operator()(X&& x) const {
    return std::apply(*f, std::forward<X>(x));
  }
  template <class X>
    requires(!takes<X>() && takes<X, std::stop_token>())
  decltype(auto) operator()(X&& x, std::stop_token token) const {
    auto call = [&](auto&&... each) -> decltype(auto) {
      return std::invoke(*f, std::forward<decltype(each)>(each)..., std::move(token));
    };
    return std::apply(call, std::forward<X>(x));
  }
};

// The function of a for_each: what it returns is dropped.
template <class F>
struct Discarding {
  F* f;
  template <class... Args>
    requires std::is_invocable_v<F&, Args...>
  auto operator()(Args&&... args) const {
    using Await = Awaited<std::remove_cvref_t<std::invoke_result_t<F&, Args...>>>;
    if constexpr (Await::kAwaitable)
      return Await::discard(std::invoke(*f, std::forward<Args>(args)...));
    else
      (void)std::invoke(*f, std::forward<Args>(args)...);
  }
};

// Calls F with one item, and STORE with the result, or without an argument if F returns nothing.
template <class F, class X, class Store>
inline void call_item(F& f, X&& x, TaskScope& scope, const Store& store) {
  using Call = CallOf<F, X>;
  const auto finish = [&](auto&&... token) {
    const auto invoke = [&]() -> decltype(auto) {
      return std::invoke(f, std::forward<X>(x), std::forward<decltype(token)>(token)...);
    };
    if constexpr (Call::kAwaitable) {
      using Await = typename Call::Await;
      if constexpr (std::is_void_v<typename Call::Result>) {
        Await::run(invoke());
        store();
      } else {
        store(Await::run(invoke()));
      }
    } else if constexpr (std::is_void_v<typename Call::Result>) {
      invoke();
      store();
    } else {
      store(typename Call::Result(invoke()));
    }
  };
  if constexpr (Stoppable<F, X>) {
    finish(scope.host().begin_watch(scope));
    scope.host().end_watch(scope);
  } else {
    finish();
  }
}

// Calls a function that returns an awaitable: starts the timeout, and returns the awaitable.
template <class F, class X>
inline auto begin_item(F& f, X&& x, TaskScope& scope) {
  std::stop_token token = scope.host().begin_watch(scope);
  if constexpr (Stoppable<F, X>)
    return std::invoke(f, std::forward<X>(x), std::move(token));
  else
    return std::invoke(f, std::forward<X>(x));
}

// Runs ITEM(i) for indices [begin, end). If one throws, the host decides how to go on.
template <class Item>
inline void guarded_loop(TaskScope& scope, std::uint64_t begin, std::uint64_t end, const Item& item) {
  for (std::uint64_t i = begin; i < end;) {
    try {
      for (; i < end; ++i) item(i);
    } catch (...) {
      switch (scope.host().failed(scope, i)) {
        case AfterFailure::kNext:
          ++i;
          break;
        case AfterFailure::kAgain:
          break;
        case AfterFailure::kStop:
          return;
      }
    }
  }
}

}  // namespace FURROW_NAMESPACE::detail
