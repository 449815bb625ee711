// Callables that can be sent to a process that was started earlier, or to another computer.
//
// A lambda without captures is sent as its address relative to the program. `furrow::bind(f, args...)` sends
// arguments along, by value: `pool.apply_async(furrow::bind([](const Table& t, int row) { ... }, table), 7)`
// calls f(table, 7). A lambda with captures cannot be sent: its captures may be references, which mean
// nothing in another process.
//
// Ownership: the object that bind() returns owns copies of f and the arguments. It is as thread-safe as they
// are. Errors: none here. If something cannot be sent, the call that would send it throws a PoolError that
// says why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "furrow/codec.hpp"
#include "furrow/detail/abi.hpp"
#include "furrow/detail/function_address.hpp"

namespace FURROW_NAMESPACE {

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

// F is called with copies of BOUND before its other arguments. If the call is sent, F must be stateless.
template <class F, class... Bound>
BoundCall<std::decay_t<F>, std::decay_t<Bound>...> bind(F&& f, Bound&&... bound) {
  return {std::forward<F>(f), std::tuple<std::decay_t<Bound>...>(std::forward<Bound>(bound)...)};
}

namespace detail {

// The type says everything about the value, so another process can make it anew.
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

// A plain function is sent as its address relative to the program.
template <class Signature>
  requires std::is_function_v<Signature>
struct Sendable<Signature*> {
  static constexpr bool kCan = true;
  static void encode(Writer& writer, Signature* const& f) { write_function_address(writer, f); }
  static Signature* decode(Reader& reader) { return read_function_address<Signature>(reader); }
};

// A pointer to a member is an offset or a member function. In the ABI of all our compilers a pointer to a
// member function is two words: first its address or, if that is odd, its offset in the virtual table; then
// what to add to `this`.
template <class Member, class Class>
struct Sendable<Member Class::*> {
  using Pointer = Member Class::*;
  static constexpr bool kCan = true;
  struct Words {
    std::uintptr_t function;
    std::ptrdiff_t adjustment;
  };
  static void encode(Writer& writer, const Pointer& member) {
    if constexpr (std::is_member_function_pointer_v<Pointer>) {
      const auto words = __builtin_bit_cast(Words, member);
      const bool is_virtual = words.function % 2 != 0;
      const FunctionAddress address = is_virtual
                                          ? FunctionAddress{kVirtual, words.function}
                                          : portable_address(reinterpret_cast<const void*>(words.function));
      writer.write(&address, sizeof address);
      writer.write(&words.adjustment, sizeof words.adjustment);
    } else {
      writer.write(&member, sizeof member);
    }
  }
  static Pointer decode(Reader& reader) {
    Pointer member = nullptr;
    if constexpr (std::is_member_function_pointer_v<Pointer>) {
      FunctionAddress address;
      Words words{};
      reader.read(&address, sizeof address);
      reader.read(&words.adjustment, sizeof words.adjustment);
      words.function = address.module == kVirtual ? static_cast<std::uintptr_t>(address.offset)
                                                  : reinterpret_cast<std::uintptr_t>(local_address(address));
      member = __builtin_bit_cast(Pointer, words);
    } else {
      reader.read(&member, sizeof member);
    }
    return member;
  }

 private:
  static constexpr std::uint64_t kVirtual = 2;  // never the key of a library: those are odd
};

template <class F, class... Bound>
  requires(Stateless<F> && (Encodable<Bound> && ...))
struct Sendable<BoundCall<F, Bound...>> {
  static constexpr bool kCan = true;
  static void encode(Writer& writer, const BoundCall<F, Bound...>& call) {
    std::apply([&](const Bound&... each) { (Codec<Bound>::encode(writer, each), ...); }, call.bound());
  }
  static BoundCall<F, Bound...> decode(Reader& reader) {
    return {Sendable<F>::decode(reader), std::tuple<Bound...>{Codec<Bound>::decode(reader)...}};
  }
};

}  // namespace detail
}  // namespace FURROW_NAMESPACE
