// Callables that can be sent to a process that was started earlier, or to another computer.
//
// A lambda without captures is sent as its place in the program. `furrow::bind(f, args...)` sends arguments
// along, by value: `pool.apply_async(furrow::bind([](const Table& t, int row) { ... }, table), 7)` calls
// f(table, 7). A lambda that captures cannot be sent: its captures may be references, which mean nothing
// elsewhere.
#pragma once

#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "furrow/codec.hpp"

namespace furrow {

template <class F, class... Bound>
class BoundCall {
 public:
  BoundCall(F f, std::tuple<Bound...> bound) : f_(std::move(f)), bound_(std::move(bound)) {}
  template <class... Args>
  requires std::is_invocable_v<F&, const Bound&..., Args...>
  decltype(auto) operator()(Args&&... args) {
    return std::apply(
        [&](const Bound&... bound) -> decltype(auto) { return f_(bound..., std::forward<Args>(args)...); },
        bound_);
  }
  template <class... Args>
  requires std::is_invocable_v<const F&, const Bound&..., Args...>
  decltype(auto) operator()(Args&&... args) const {
    return std::apply(
        [&](const Bound&... bound) -> decltype(auto) { return f_(bound..., std::forward<Args>(args)...); },
        bound_);
  }
  const std::tuple<Bound...>& bound() const { return bound_; }

 private:
  F f_;
  std::tuple<Bound...> bound_;
};

// F is called with copies of BOUND before its other arguments. F must be stateless where the call is sent.
template <class F, class... Bound>
BoundCall<std::decay_t<F>, std::decay_t<Bound>...> bind(F&& f, Bound&&... bound) {
  return {std::forward<F>(f), std::tuple<std::decay_t<Bound>...>(std::forward<Bound>(bound)...)};
}

namespace detail {

// Its value is its type: it can be made anew elsewhere.
template <class F>
concept Stateless = std::is_empty_v<F> && std::is_trivially_copyable_v<F>;

template <class F>
struct Sendable {
  static constexpr bool kCan = false;
  static constexpr const char* kRefusal =
      "the function has captures or other state, which processes that were started earlier cannot see: "
      "use furrow::bind(f, values...) with a function without captures";
};

template <Stateless F>
struct Sendable<F> {
  static constexpr bool kCan = true;
  static void encode(Writer&, const F&) {}
  static F decode(Reader&) {
    alignas(F) std::byte none[sizeof(F)]{};
    return __builtin_bit_cast(F, none);
  }
};

// A plain function: its address, which is the same in every process forked from this one.
template <class R, class... Args>
struct Sendable<R (*)(Args...)> {
  using F = R (*)(Args...);
  static constexpr bool kCan = true;
  static void encode(Writer& writer, const F& f) { writer.write(&f, sizeof f); }
  static F decode(Reader& reader) {
    F f;
    reader.read(&f, sizeof f);
    return f;
  }
};

template <class F, class... Bound>
requires(Stateless<F> && (Encodable<Bound> && ...)) struct Sendable<BoundCall<F, Bound...>> {
  static constexpr bool kCan = true;
  static void encode(Writer& writer, const BoundCall<F, Bound...>& call) {
    std::apply([&](const Bound&... each) { (Codec<Bound>::encode(writer, each), ...); }, call.bound());
  }
  static BoundCall<F, Bound...> decode(Reader& reader) {
    return {Sendable<F>::decode(reader), std::tuple<Bound...>{Codec<Bound>::decode(reader)...}};
  }
};

}  // namespace detail
}  // namespace furrow
