// One copy of a dataset that all process workers read and write.
//
//   furrow::shared_array<double> image(width * height);
//   pool.for_each([&](std::size_t y) { render_row(y, image.span().subspan(y * width, width)); }, rows);
//   // the elements that the workers wrote are in image
//
// A map over processes forks its workers at the call, and they see the array as it is, without a copy. The
// persistent workers (MapOptions::standing) see only arrays that were made before they were forked. Threads
// may use it like any other array.
//
// Ownership. A shared_array is a handle, like a shared_ptr: copies refer to the same elements, which are
// writable even through a const handle, and a process releases the memory with its last handle. A copy that a
// worker makes, keeps or drops concerns that worker alone. The memory has no name, so nothing is left behind
// on the system. An array made inside a task belongs to its worker, and no other process sees it.
//
// Threads and processes. Handles are as safe as shared_ptr. Elements are plain memory: if two workers write
// the same element, or one reads it while another writes it, both must use atomic() or hold a process_mutex.
//
// Errors. SharedMemoryError (a std::bad_alloc) if memory is short. Elements must be trivially copyable, and
// must not hold pointers to memory that another process does not have: nothing checks or translates them.
//
// Memory. Whole pages. Zeroed pages are allocated when they are first touched, so a large array costs only
// what is used of it. From 2 MiB on, the system is asked for huge pages.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE {

class FURROW_API SharedMemoryError : public std::bad_alloc {
 public:
  explicit SharedMemoryError(const std::string& what) : text_(what) {}
  const char* what() const noexcept override { return text_.what(); }

 private:
  std::runtime_error text_;  // its copies cannot throw
};

namespace detail {

enum class Pages : bool { kWhenTouched, kNow };

// Zeroed memory for COUNT elements, shared with all processes that are forked later.
FURROW_API std::shared_ptr<void> shared_elements(std::size_t count, std::size_t element_size, Pages pages);

}  // namespace detail

template <class T>
class shared_array {
  static_assert(!std::is_reference_v<T> && !std::is_const_v<T>, "shared_array<T>: T is a plain type");
  static_assert(
      std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>,
      "shared_array<T> lies in memory that several processes see: T must be trivially copyable, as numbers "
      "and plain structs are; std::string, std::vector and other owners of memory are not");
  static_assert(alignof(T) <= 4096, "shared_array<T>: elements are aligned to pages at most");

 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using iterator = T*;
  using const_iterator = T*;

  shared_array() = default;  // no elements, no memory

  // Elements with all bytes zero.
  explicit shared_array(std::size_t size) : shared_array(size, detail::Pages::kWhenTouched) {}

  shared_array(std::size_t size, const T& value) : shared_array(size, detail::Pages::kNow) {
    std::uninitialized_fill(begin(), end(), value);
  }

  // Copies of the elements of a range.
  template <std::forward_iterator I, std::sentinel_for<I> S>
  shared_array(I first, S last)
      : shared_array(static_cast<std::size_t>(std::ranges::distance(first, last)), detail::Pages::kNow) {
    T* to = data();
    for (; first != last; ++first, ++to) std::construct_at(to, static_cast<T>(*first));
  }

  // Copies any range: shared_array<float>::of(vector).
  template <class Range>
  static shared_array of(const Range& range) {
    return shared_array(std::begin(range), std::end(range));
  }

  T* data() const noexcept { return static_cast<T*>(elements_.get()); }  // null where there are no elements
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T* begin() const noexcept { return data(); }
  T* end() const noexcept { return data() + size_; }
  T& operator[](std::size_t index) const noexcept { return data()[index]; }
  T& front() const noexcept { return data()[0]; }
  T& back() const noexcept { return data()[size_ - 1]; }
  // An element for atomic updates by several workers, of processes too: image.atomic(7).fetch_add(1).
#ifdef __cpp_lib_atomic_ref
  std::atomic_ref<T> atomic(std::size_t index) const noexcept {
    static_assert(
        std::atomic_ref<T>::is_always_lock_free,
        "shared_array::atomic: this type is too large to be updated at once: use a furrow::process_mutex");
    return std::atomic_ref<T>(data()[index]);
  }
#endif
  std::span<T> span() const noexcept { return {data(), size_}; }

  // Whether both are handles of the same elements; the values are not compared.
  friend bool operator==(const shared_array& a, const shared_array& b) noexcept {
    return a.elements_ == b.elements_;
  }
  friend void swap(shared_array& a, shared_array& b) noexcept {
    std::swap(a.elements_, b.elements_);
    std::swap(a.size_, b.size_);
  }

 private:
  shared_array(std::size_t size, detail::Pages pages)
      : elements_(detail::shared_elements(size, sizeof(T), pages)), size_(size) {}

  std::shared_ptr<void> elements_;
  std::size_t size_ = 0;
};

}  // namespace FURROW_NAMESPACE
