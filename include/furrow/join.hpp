// Futures for several calls at once.
//
//   auto both = furrow::when_all(pool.apply_async(f, 1), pool.apply_async(g));   // a Future<std::tuple<R1, R2>>
//   auto all = furrow::when_all(std::move(futures));                             // of a std::vector of Futures
//
// A joined Future ends when all calls have ended, with their results in order, or with the failure of the first call
// that has one. It takes the Futures over. Its cancel() drops the results and cancels none of the calls. Errors:
// PoolError if the calls belong to several Pools over processes or ranks, which are waited for in different ways.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/thread_sanitizer.hpp"
#include "furrow/errors.hpp"
#include "furrow/future.hpp"

namespace FURROW_NAMESPACE {

namespace detail {

// What the calls of one when_all() have in common: whoever ends the last one makes the result.
template <class... R>
struct Joined {
  // True for the last one.
  static bool count_down(std::atomic<std::size_t>& left) {
    released(&left);
    if (left.fetch_sub(1, std::memory_order_acq_rel) > 1) return false;
    acquired(&left);
    return true;
  }
  static void use_pump(pool::CallPump*& pump, pool::CallPump* of_part) {
    if (!of_part) return;
    if (pump && pump != of_part)
      throw PoolError(
          "when_all: the calls belong to two Pools over processes or ranks: wait for each by itself");
    pump = of_part;
  }
  template <class T>
  static CallState<T>& call_of(const Future<T>& future) {
    return future.call();
  }
  template <class T>
  static Future<T> future_of(JoinedCall<T>* call) {
    return Future<T>(call);
  }
};

}  // namespace detail

template <class R>
auto when_all(std::vector<Future<R>> futures) {
  using Join = detail::Joined<R>;
  using All = std::conditional_t<std::is_void_v<R>, void,
                                 std::vector<std::conditional_t<std::is_void_v<R>, char, R>>>;
  struct State {
    std::vector<Future<R>> parts;
    std::atomic<std::size_t> left;
    detail::JoinedCall<All>* whole = nullptr;
    void finish() {
      for (Future<R>& each : parts)
        if (!Join::call_of(each).outcome().ok())
          return whole->end_with(Join::call_of(each).outcome().failure());
      whole->end([&]() -> All {
        if constexpr (!std::is_void_v<R>) {
          All all;
          all.reserve(parts.size());
          for (Future<R>& each : parts) all.push_back(std::move(Join::call_of(each).outcome()).value());
          return all;
        }
      });
    }
  };
  pool::CallPump* pump = nullptr;
  for (const Future<R>& each : futures) Join::use_pump(pump, Join::call_of(each).pump);
  auto state = std::make_shared<State>();
  state->left = futures.size() + 1;  // one is for this function
  state->parts = std::move(futures);
  state->whole = new detail::JoinedCall<All>(pump);
  Future<All> whole = Join::future_of(state->whole);
  const auto ended = [state](const auto&) {
    if (Join::count_down(state->left)) state->finish();
  };
  for (const Future<R>& each : state->parts) Join::call_of(each).listen(ended);
  ended(0);
  return whole;
}

template <class... R>
  requires(sizeof...(R) > 0 && !(std::is_void_v<R> || ...))
Future<std::tuple<R...>> when_all(Future<R>... futures) {
  using Join = detail::Joined<R...>;
  struct State {
    std::tuple<Future<R>...> parts;
    std::atomic<std::size_t> left{sizeof...(R) + 1};
    detail::JoinedCall<std::tuple<R...>>* whole = nullptr;
    void finish() {
      const Failure* first = nullptr;
      const auto look = [&](auto& part) {
        const auto& outcome = Join::call_of(part).outcome();
        if (!first && !outcome.ok()) first = &outcome.failure();
      };
      std::apply([&](auto&... part) { (look(part), ...); }, parts);
      if (first) return whole->end_with(*first);
      whole->end([&] {
        return std::apply(
            [](auto&... part) {
              return std::tuple<R...>(std::move(Join::call_of(part).outcome()).value()...);
            },
            parts);
      });
    }
  };
  pool::CallPump* pump = nullptr;
  (Join::use_pump(pump, Join::call_of(futures).pump), ...);
  auto state = std::make_shared<State>();
  state->parts = std::tuple<Future<R>...>(std::move(futures)...);
  state->whole = new detail::JoinedCall<std::tuple<R...>>(pump);
  Future<std::tuple<R...>> whole = Join::future_of(state->whole);
  const auto ended = [state](const auto&) {
    if (Join::count_down(state->left)) state->finish();
  };
  std::apply([&](auto&... part) { (Join::call_of(part).listen(ended), ...); }, state->parts);
  ended(0);
  return whole;
}

}  // namespace FURROW_NAMESPACE
