// How furrow/partitioned.hpp runs operations on the ranks of a Pool over MPI. Not for direct use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "furrow/codec.hpp"
#include "furrow/detail/abi.hpp"
#include "furrow/detail/map_call.hpp"
#include "furrow/options.hpp"

namespace FURROW_NAMESPACE::detail {

// A function that runs in the process of each rank, not in a worker, so that it has the rank's data.
struct RankCall {
  void (*operation)(Reader& arguments, Writer& reply) = nullptr;
  std::function<void(Writer&)> encode{};          // the arguments, the same for all ranks
  std::function<void(int rank, Reader&)> take{};  // the replies, in the order of ranks
};

// How the workers of a Pool are distributed over ranks, and the keys of the next operation's random streams.
struct RankDistribution {
  std::unique_ptr<int[]> workers{};  // of each rank; no std::vector, as Pool::run_map says
  std::size_t ranks = 0;
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
};

// The functions below are called inside an operation.

FURROW_API int this_rank();
// The data that this rank holds, by id, until the Pool ends.
FURROW_API void keep_part(std::uint64_t id, std::shared_ptr<void> part);
FURROW_API std::shared_ptr<void> part_of(std::uint64_t id);
FURROW_API void drop_part(std::uint64_t id);
// Runs indices [BEGIN, END) of CALL in workers that are forked at this point and see all of this rank's
// memory. Throws the failure of the lowest index.
FURROW_API void run_on_this_rank(const MapCall& call, const MapOptions& options, std::uint64_t begin,
                                 std::uint64_t end, std::uint64_t number);

}  // namespace FURROW_NAMESPACE::detail
