// Rank 0 tells all other ranks that a Pool begins, and that the program ends.
//
// Called on rank 0, by the thread that uses the Transport.
#pragma once

#include <functional>
#include <vector>

#include "furrow/codec.hpp"
#include "remote/transport.hpp"

namespace furrow::remote {

struct Opening {
  std::vector<int> workers_of{};  // how many workers each rank is to have
  std::vector<int> made{};        // how many each rank made when MPI was started; empty: none
  std::uint64_t max_tasks_per_child = 0;
  // Writes what workers run first and last, for ranks that still have to make workers.
  std::function<void(Writer&)> worker_functions{};
};

// Returns the number of the new Pool.
std::uint64_t open_on_others(Transport& transport, const Opening& opening);

// Receives what the other ranks still send, so that none of them waits forever to send it.
void end_others(Transport& transport);

}  // namespace furrow::remote
