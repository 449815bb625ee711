// What rank 0 tells all others: that a Pool begins, and that the program ends.
//
// On rank 0, by the thread that talks to MPI.
#pragma once

#include <functional>
#include <vector>

#include "furrow/codec.hpp"
#include "mpi/program.hpp"

namespace furrow::mpi_detail {

struct Opening {
  std::vector<int> workers_of{};  // how many workers each rank is to have
  std::vector<int> made{};        // how many it has already, since MPI was started; empty: none has
  std::uint64_t max_tasks_per_child = 0;
  std::function<void(Writer&)> initializer{};  // writes what workers that are to be made begin with
};

// Gives the number of the Pool.
std::uint64_t open_on_others(Program& program, const Opening& opening);

// Takes in what they still send, so that nobody waits for ever to have it taken.
void end_others(Program& program);

bool mpi_runs();

}  // namespace furrow::mpi_detail
