// How a chunk of Python tasks is sent as a message, and how its results come back.
//
//   message body   [u64 size, the map's spec, which furrow._worker.learn() reads]  if it is new to the worker
//                  the values (values.hpp) of all indices, one after the other, up to the end
//   results        in blocks (Outbox::commit), values one after the other; a value larger than a block is a
//                  result of its own: u64 size, the value
//   failures       kException: the message is a pickle, which furrow._failures.load() reads
//
// The low kIndexBits bits of an index are the index in its map; the bits above number the map.
#pragma once

#include <cstdint>

namespace furrow::python {

// How a function is called with the value that was sent for an index.
enum class Calling : int {
  kItem = 0,   // f(value)
  kStar = 1,   // f(*value)
  kWhole = 2,  // f(*value[0], **value[1])
};

constexpr int kNeverAgain = 1 << 30;  // the attempts of a failure that must not be retried
constexpr int kIndexBits = 40;        // for the index in a map

// The number of single calls, whose specs are shared: each call then has a random stream of its own, numbered
// from kCallNumbers on.
constexpr std::uint64_t kOwnNumber = ~std::uint64_t{0};
constexpr std::uint64_t kCallNumbers = std::uint64_t{1} << 62;  // above the numbers of maps

constexpr std::uint64_t index_in_map(std::uint64_t index) {
  return index & ((std::uint64_t{1} << kIndexBits) - 1);
}

}  // namespace furrow::python
