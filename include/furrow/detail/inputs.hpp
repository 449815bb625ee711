// Makes any input range indexable. Not for direct use.
//
// Ranges with random access are used in place; for other forward ranges the iterators are stored, for
// single-pass ranges the values. If an iterator throws, the caller of the map gets the exception before any
// task has started.
#pragma once

#include <cstdint>
#include <iterator>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE::detail {

template <class Range>
using IteratorOf = decltype(std::ranges::begin(std::declval<Range&>()));

template <class Range>
concept InputRange = requires(Range& range) {
  std::ranges::begin(range);
  std::ranges::end(range);
  requires std::input_iterator<IteratorOf<Range>>;
};

template <class Range>
concept IndexableRange = InputRange<Range> && std::random_access_iterator<IteratorOf<Range>> &&
                         requires(Range& range) { std::ranges::end(range) - std::ranges::begin(range); };

template <class Iterator>
struct IndexAccess {
  using Value = std::iter_value_t<Iterator>;
  Iterator first;
  decltype(auto) operator[](std::uint64_t i) const {
    return first[static_cast<std::iter_difference_t<Iterator>>(i)];
  }
};

template <class Iterator>
struct IteratorAccess {
  using Value = std::iter_value_t<Iterator>;
  const Iterator* iterators;
  decltype(auto) operator[](std::uint64_t i) const { return *iterators[i]; }
};

// Inputs of a chunk, addressed by item index.
template <class T>
struct OffsetInputs {
  using Value = T;
  T* items;
  std::uint64_t first;
  T& operator[](std::uint64_t i) const { return items[i - first]; }
};

template <class Range>
class Inputs {
 public:
  using Iterator = IteratorOf<Range>;
  explicit Inputs(Range& range)
      : first_(std::ranges::begin(range)),
        size_(static_cast<std::uint64_t>(std::ranges::end(range) - first_)) {}
  std::uint64_t size() const { return size_; }
  auto access() const { return IndexAccess<Iterator>{first_}; }

 private:
  Iterator first_;
  std::uint64_t size_;
};

template <class Range>
  requires(!IndexableRange<Range> && std::forward_iterator<IteratorOf<Range>>)
class Inputs<Range> {
 public:
  using Iterator = IteratorOf<Range>;
  explicit Inputs(Range& range) {
    const auto end = std::ranges::end(range);
    for (auto each = std::ranges::begin(range); each != end; ++each) iterators_.push_back(each);
  }
  std::uint64_t size() const { return iterators_.size(); }
  auto access() const { return IteratorAccess<Iterator>{iterators_.data()}; }

 private:
  std::vector<Iterator> iterators_;
};

template <class Range>
  requires(!IndexableRange<Range> && !std::forward_iterator<IteratorOf<Range>>)
class Inputs<Range> {
 public:
  using Value = std::iter_value_t<IteratorOf<Range>>;
  explicit Inputs(Range& range) {
    auto each = std::ranges::begin(range);
    const auto end = std::ranges::end(range);
    for (; each != end; ++each) values_.emplace_back(*each);
  }
  std::uint64_t size() const { return values_.size(); }
  auto access() { return IndexAccess<typename std::vector<Value>::iterator>{values_.begin()}; }

 private:
  std::vector<Value> values_;
};

}  // namespace FURROW_NAMESPACE::detail
