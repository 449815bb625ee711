// What kind of workers a Pool has, and how many.
//
// A Backend is a plain value. A count of 0 means: as many as physical cores that this process may use
// (furrow::cpu_count()), or its share of them inside a task of another Pool.
#pragma once

#include <cstdint>

namespace furrow {

struct Backend;
struct PoolOptions;
namespace pool {
class Engine;
}

enum class BackendKind : std::uint8_t { kSerial, kThreads, kProcesses, kAsync, kMpi };

// The name that messages use: "serial", "threads", "processes", "async", "mpi".
const char* name(BackendKind kind) noexcept;

struct Backend {
  BackendKind kind = BackendKind::kThreads;
  int workers = 0;
  bool root_works = true;  // mpi: the first rank has workers too
  // Of a backend in a library of its own: makes what stands behind the Pool.
  pool::Engine* (*make)(const Backend&, const PoolOptions&) = nullptr;
};

// The calling thread does the work, item by item: for debugging, and as the yardstick of the others.
constexpr Backend serial() { return {BackendKind::kSerial, 1}; }
// Threads of this program: nothing is copied; a task that crashes takes the program along.
constexpr Backend threads(int workers = 0) { return {BackendKind::kThreads, workers}; }
// Forked processes: a task that crashes costs one item.
constexpr Backend processes(int workers = 0) { return {BackendKind::kProcesses, workers}; }
// One thread with IN_FLIGHT coroutines at a time, for work that waits; needs <furrow/async.hpp>.
constexpr Backend async(int in_flight = 64) { return {BackendKind::kAsync, in_flight}; }

}  // namespace furrow
