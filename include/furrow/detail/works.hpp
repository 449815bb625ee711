// What a map does at each index: it maps one item, or folds a block of items. Not for direct use.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/call_item.hpp"

namespace FURROW_NAMESPACE::detail {

// A map of F over INPUTS: index i is item i. A Work of Kernel (kernels.hpp).
template <class F, class Access, class SinkType>
struct ItemMap {
  using Input = decltype(std::declval<const Access&>()[0]);
  using InputValue = typename Access::Value;
  using Function = F;
  using R = ResultOf<F, Input>;
  using Sink = SinkType;

  F* f;
  Access inputs;
  Sink sink;

  template <class Note, class Store>
  void produce(std::uint64_t index, TaskScope& scope, const Note& note, const Store& store) const {
    note(index);
    call_item(*f, inputs[index], scope, store);
  }
  template <class Each>
  void for_each_input(std::uint64_t index, const Each& each) const {
    each(inputs[index]);
  }
};

// Items in blocks: index b is the block of items [b * block, (b + 1) * block), of which the last may be shorter.
template <class Access>
struct ItemBlocks {
  using Input = decltype(std::declval<const Access&>()[0]);
  using InputValue = typename Access::Value;

  Access inputs;
  std::uint64_t items;
  std::uint64_t block;

  std::uint64_t end_of(std::uint64_t index) const {
    return items - index * block < block ? items : (index + 1) * block;
  }
  template <class Each>
  void for_each_input(std::uint64_t index, const Each& each) const {
    for (std::uint64_t i = index * block; i < end_of(index); ++i) each(inputs[i]);
  }
};

// A reduction. Each block is folded from left to right; the caller joins the blocks' sums as a balanced tree. The
// shape depends on the number of items alone, and the fold is one function, compiled once, so every backend, number of
// workers and chunk size gives the same bits. Sum is the type of the sums, to which each result of F is converted. A
// Work of Kernel (kernels.hpp).
template <class F, class Op, class Access, class SinkType,
          class Sum = ResultOf<F, decltype(std::declval<const Access&>()[0])>>
struct BlockReduce : ItemBlocks<Access> {
  using typename ItemBlocks<Access>::Input;
  using Function = F;
  using Mapped = ResultOf<F, Input>;
  using R = Sum;
  using Sink = SinkType;

  F* f;
  Op* op;
  Sink sink;

  R mapped(std::uint64_t item, TaskScope& scope, const NotedThere& note) const {
    note(item);
    std::optional<R> result;
    call_item(*f, this->inputs[item], scope,
              [&](Mapped&& value) { result.emplace(static_cast<R>(std::move(value))); });
    return *std::move(result);
  }
  // For awaitables. One function, compiled once, that coroutines and all other workers use.
  [[gnu::noinline]] static R step(Op& op, R&& sum, R&& value) {
    return std::invoke(op, std::move(sum), std::move(value));
  }
  [[gnu::noinline]] static R fold(const BlockReduce& given, TaskScope& scope, std::uint64_t index) {
    const BlockReduce self = given;  // a copy, which no store can alias
    const NotedThere note{scope};
    const std::uint64_t end = self.end_of(index);
    std::uint64_t i = index * self.block;
    R sum = self.mapped(i, scope, note);
    for (++i; i < end; ++i) {
      if constexpr (CallOf<F, Input>::kAwaitable)
        sum = step(*self.op, std::move(sum), self.mapped(i, scope, note));
      else
        sum = std::invoke(*self.op, std::move(sum), self.mapped(i, scope, note));
    }
    return sum;
  }

  template <class Note, class Store>
  void produce(std::uint64_t index, TaskScope& scope, const Note&, const Store& store) const {
    store(fold(*this, scope, index));
  }
};

// How map_fold's function F takes an accumulator of type Acc and an item: in place, if f(acc, x) returns nothing or
// acc itself, or else as acc = f(std::move(acc), x).
template <class F, class Acc, class X, class... Token>
inline constexpr bool kFoldsInPlace = [] {
  if constexpr (std::is_invocable_v<F&, Acc&, X, Token...>) {
    using Result = std::invoke_result_t<F&, Acc&, X, Token...>;
    return std::is_void_v<Result> || std::is_same_v<Result, Acc&>;
  } else {
    return false;
  }
}();
template <class F, class Acc, class X, class... Token>
concept FoldsWith = kFoldsInPlace<F, Acc, X, Token...> || std::is_invocable_r_v<Acc, F&, Acc, X, Token...>;

// Folds items into ACC.
template <class F, class Acc>
struct FoldStep {
  F* f;
  Acc* acc;

  template <class X>
    requires FoldsWith<F, Acc, X>
  void operator()(X&& x) const {
    fold(std::forward<X>(x));
  }
  template <class X>
    requires(!FoldsWith<F, Acc, X> && FoldsWith<F, Acc, X, std::stop_token>)
  void operator()(X&& x, std::stop_token token) const {
    fold(std::forward<X>(x), std::move(token));
  }

 private:
  template <class X, class... Token>
  void fold(X&& x, Token&&... token) const {
    if constexpr (kFoldsInPlace<F, Acc, X, Token...>)
      std::invoke(*f, *acc, std::forward<X>(x), std::forward<Token>(token)...);
    else
      *acc = static_cast<Acc>(
          std::invoke(*f, std::move(*acc), std::forward<X>(x), std::forward<Token>(token)...));
  }
};

// A fold. Each block is a leaf, folded from left to right into a copy of the initial value; the caller merges the leaves
// as a balanced tree. As in BlockReduce, the shape depends on the number of items alone, and the fold of a leaf is one
// function. A Work of Kernel (kernels.hpp).
template <class F, class Acc, class Access, class SinkType>
struct BlockFold : ItemBlocks<Access> {
  using Function = FoldStep<F, Acc>;
  using R = Acc;
  using Sink = SinkType;

  F* f;
  const Acc* initial;
  Sink sink;

  [[gnu::noinline]] static Acc fold(const BlockFold& given, TaskScope& scope, std::uint64_t index) {
    const BlockFold self = given;  // a copy, which no store can alias
    const std::uint64_t end = self.end_of(index);
    Acc acc = *self.initial;
    Function step{self.f, &acc};
    const auto loop = [&](const auto& note) {
      for (std::uint64_t i = index * self.block; i < end; ++i) {
        note(i);
        call_item(step, self.inputs[i], scope, [] {});
      }
    };
    // To publish each item would double the time of a cheap fold on threads.
    if (scope.is_published())
      loop(NotedThere{scope});
    else
      loop(NotedHere{scope});
    return acc;
  }

  template <class Note, class Store>
  void produce(std::uint64_t index, TaskScope& scope, const Note&, const Store& store) const {
    store(fold(*this, scope, index));
  }
};

}  // namespace FURROW_NAMESPACE::detail
