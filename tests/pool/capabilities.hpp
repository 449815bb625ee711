// What each backend can do. The contract suite runs the same tests on all backends, and expects the
// documented refusal from those that cannot do something. docs/pool.md shows this table, and a test compares
// the two.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "furrow/pool.hpp"
#ifdef FURROW_OVER_MPI
#include "furrow/mpi.hpp"
#endif

namespace furrow::testing {

struct Capabilities {
  Backend backend;
  bool in_parallel = true;         // two tasks run at the same time
  bool waits_together = true;      // two coroutines wait at the same time
  bool shares_memory = true;       // tasks write to the caller's variables
  bool stops_any_task = false;     // timeout_s ends any function
  bool stops_coroutine = false;    // timeout_s ends functions that return an asio::awaitable
  bool survives_a_crash = false;   // a task's crash costs only its item
  bool carries_any_result = true;  // results without a Codec, pointers included
  bool takes_captures = true;      // a map's function may have captures

  std::string label() const {
    return std::string(name(backend.kind)) + (backend.workers > 1 ? std::to_string(backend.workers) : "");
  }
};

#ifdef FURROW_OVER_MPI
inline std::vector<Capabilities> all_backends() {
  return {{.backend = mpi(2),
           .shares_memory = false,
           .stops_any_task = true,
           .stops_coroutine = true,
           .survives_a_crash = true,
           .carries_any_result = false,
           .takes_captures = false}};
}
#else
inline std::vector<Capabilities> all_backends() {
  return {
      {.backend = serial(), .in_parallel = false, .waits_together = false},
      {.backend = threads(1), .in_parallel = false, .waits_together = false},
      {.backend = threads(2)},
      {.backend = threads(5)},
      {.backend = processes(1),
       .in_parallel = false,
       .waits_together = false,
       .shares_memory = false,
       .stops_any_task = true,
       .stops_coroutine = true,
       .survives_a_crash = true,
       .carries_any_result = false},
      {.backend = processes(3),
       .shares_memory = false,
       .stops_any_task = true,
       .stops_coroutine = true,
       .survives_a_crash = true,
       .carries_any_result = false},
      {.backend = async(1), .in_parallel = false, .waits_together = false, .stops_coroutine = true},
      {.backend = async(4), .in_parallel = false, .stops_coroutine = true},
  };
}
#endif

inline std::ostream& operator<<(std::ostream& out, const Capabilities& each) { return out << each.label(); }

}  // namespace furrow::testing
