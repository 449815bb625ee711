// The fixed shapes of map_reduce and map_fold. Not for direct use.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE::detail {

// The type in which results of type R are summed from an initial value on: one that holds both. So a small R
// does not overflow, and an initial value of 0 does not cut off fractions.
template <class R, class Initial>
struct SumType {
  using type = std::conditional_t<std::is_convertible_v<R, Initial> || (!std::is_convertible_v<Initial, R> &&
                                                                        std::is_constructible_v<Initial, R>),
                                  Initial, R>;
  static_assert(std::is_constructible_v<type, R> && std::is_constructible_v<type, Initial>,
                "map_reduce: neither the initial value nor the function's result converts to the other");
};
template <class R, class Initial>
  requires(std::is_arithmetic_v<R> && std::is_arithmetic_v<Initial>)
struct SumType<R, Initial> {
  using type = std::common_type_t<R, Initial>;
};
// The number of items in a block. It depends on the number of items alone, so the shape of the reduction does
// too. 4096 blocks are few enough that their sums cost little, and enough for some thousand workers.
constexpr std::uint64_t reduce_block(std::uint64_t items) {
  constexpr std::uint64_t kBlocks = 4096;
  return items <= kBlocks ? 1 : (items + kBlocks - 1) / kBlocks;
}

// The same for a fold, whose leaves have an accumulator each, which may be large.
constexpr std::uint64_t fold_block(std::uint64_t items) {
  constexpr std::uint64_t kLeaves = 512;
  return items <= kLeaves ? 1 : (items + kLeaves - 1) / kLeaves;
}

// Joins the sums as a balanced tree: sums[0] with sums[1], sums[2] with sums[3], and so on level by level.
template <class R, class Op>
[[gnu::noinline]] std::optional<R> join(std::vector<std::optional<R>>& sums, Op& op) {
  for (std::uint64_t step = 1; step < sums.size(); step *= 2)
    for (std::uint64_t i = 0; i + step < sums.size(); i += 2 * step)
      sums[i] = R(std::invoke(op, *std::move(sums[i]), *std::move(sums[i + step])));
  return sums.empty() ? std::nullopt : std::optional<R>(std::move(sums[0]));
}

}  // namespace FURROW_NAMESPACE::detail
