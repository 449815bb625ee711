// What a chunk of Python tasks looks like as a message, and its results.
//
//   message body   [u64 size, the job's spec: what furrow._worker.learn() reads]  where it is new to the
//   worker
//                  the units' values (values.hpp), one after the other, up to the end
//   results        in blocks (Outbox::commit), values one after the other; a value that is larger than a
//   block
//                  is a result of its own: u64 size, the value
//   failures       kException: the message is a pickle, what furrow._failures.load() reads
//
// A unit's number is its index in its job, from the job's first unit on.
#pragma once

#include <cstdint>

namespace furrow::python {

// How a function is called with the value that was sent for a unit.
enum class Calling : int {
  kItem = 0,   // f(value)
  kStar = 1,   // f(*value)
  kWhole = 2,  // f(*value[0], **value[1])
};

constexpr int kNeverAgain = 1 << 30;  // attempts of a failure that retries cannot mend
constexpr int kUnitBits = 40;         // of the index in a job

// A job whose every call has random numbers of its own, since calls of one function share a spec.
constexpr std::uint64_t kOwnNumber = ~std::uint64_t{0};
constexpr std::uint64_t kCallNumbers = std::uint64_t{1} << 62;  // beyond those of maps

constexpr std::uint64_t index_in_job(std::uint64_t unit) {
  return unit & ((std::uint64_t{1} << kUnitBits) - 1);
}

}  // namespace furrow::python
