// What furrow/partitioned.hpp asks of the ranks of a Pool over MPI. Not for direct use.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "furrow/codec.hpp"
#include "furrow/detail/map_call.hpp"
#include "furrow/options.hpp"

namespace furrow::detail {

// A function that runs in every rank itself, not in a worker: it knows the rank's data.
struct RankCall {
  void (*operation)(Reader& arguments, Writer& reply) = nullptr;
  std::function<void(Writer&)> encode{};          // the arguments, the same for all ranks
  std::function<void(int rank, Reader&)> take{};  // the replies, in the order of ranks
};

// How a Pool's ranks share work, and how the streams of the next operation are keyed.
struct RankShares {
  std::vector<int> workers{};  // of each rank
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
};

// From here on: inside an operation.

int this_rank();
// What lives on this rank, by number, until the Pool ends.
void keep_part(std::uint64_t id, std::shared_ptr<void> part);
std::shared_ptr<void> part_of(std::uint64_t id);
void drop_part(std::uint64_t id);
// Runs units [BEGIN, END) of CALL in workers that are forked here and now, and see all that this rank has.
// Throws the failure of the lowest index.
void run_on_this_rank(const MapCall& call, const MapOptions& options, std::uint64_t begin, std::uint64_t end,
                      std::uint64_t number);

}  // namespace furrow::detail
