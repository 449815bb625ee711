// What a map does at each index: it maps one item, or folds a block of items. Not for direct use.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
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

// A reduction. Index b is the block of items [b * block, (b + 1) * block), folded from left to right; the
// caller joins the blocks' sums as a balanced tree. The shape depends on the number of items alone, and the
// fold is one function, compiled once, so every backend, number of workers and chunk size gives the same
// bits. A Work of Kernel (kernels.hpp). Sum is the type of the sums, to which each result of F is converted.
template <class F, class Op, class Access, class SinkType,
          class Sum = ResultOf<F, decltype(std::declval<const Access&>()[0])>>
struct BlockReduce {
  using Input = decltype(std::declval<const Access&>()[0]);
  using InputValue = typename Access::Value;
  using Function = F;
  using Mapped = ResultOf<F, Input>;
  using R = Sum;
  using Sink = SinkType;

  F* f;
  Op* op;
  Access inputs;
  Sink sink;
  std::uint64_t items;
  std::uint64_t block;

  std::uint64_t end_of(std::uint64_t index) const {
    return items - index * block < block ? items : (index + 1) * block;
  }

  R mapped(std::uint64_t item, TaskScope& scope) const {
    scope.publish(item);
    std::optional<R> result;
    call_item(*f, inputs[item], scope,
              [&](Mapped&& value) { result.emplace(static_cast<R>(std::move(value))); });
    return *std::move(result);
  }
  // For awaitables. One function, compiled once, that coroutines and all other workers use.
  [[gnu::noinline]] static R step(Op& op, R&& sum, R&& value) {
    return std::invoke(op, std::move(sum), std::move(value));
  }
  [[gnu::noinline]] static R fold(const BlockReduce& self, TaskScope& scope, std::uint64_t index) {
    R sum = self.mapped(index * self.block, scope);
    for (std::uint64_t i = index * self.block + 1; i < self.end_of(index); ++i) {
      if constexpr (CallOf<F, Input>::kAwaitable)
        sum = step(*self.op, std::move(sum), self.mapped(i, scope));
      else
        sum = std::invoke(*self.op, std::move(sum), self.mapped(i, scope));
    }
    return sum;
  }

  template <class Note, class Store>
  void produce(std::uint64_t index, TaskScope& scope, const Note&, const Store& store) const {
    store(fold(*this, scope, index));
  }
  template <class Each>
  void for_each_input(std::uint64_t index, const Each& each) const {
    for (std::uint64_t i = index * block; i < end_of(index); ++i) each(inputs[i]);
  }
};

}  // namespace FURROW_NAMESPACE::detail
