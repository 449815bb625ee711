// What kind of workers a Pool has, and how many.
//
// A Backend is a plain value. A count of 0 means one worker for each physical core that this process may use
// (furrow::cpu_count()); inside a task of another Pool, for each core allotted to that task.
#pragma once

#include <cstdint>

#include "furrow/detail/abi.hpp"

namespace furrow::pool {
class Engine;
}

namespace FURROW_NAMESPACE {

struct Backend;
struct PoolOptions;

enum class BackendKind : std::uint8_t { kSerial, kThreads, kProcesses, kAsync, kMpi };

// The name that messages use: "serial", "threads", "processes", "async", "mpi".
FURROW_API const char* name(BackendKind kind) noexcept;

struct Backend {
  BackendKind kind = BackendKind::kThreads;
  int workers = 0;
  bool root_works = true;  // mpi: the first rank has workers too
  // Set by a backend that has its own library: makes the engine behind the Pool.
  pool::Engine* (*make)(const Backend&, const PoolOptions&) = nullptr;
};

// The calling thread runs the tasks one by one: for debugging, and as the reference for the other backends.
constexpr Backend serial() { return {BackendKind::kSerial, 1}; }
// Threads of this program: nothing is copied, and a task that crashes takes the program down.
constexpr Backend threads(int workers = 0) { return {BackendKind::kThreads, workers}; }
// Forked processes: a task that crashes costs only its own item.
constexpr Backend processes(int workers = 0) { return {BackendKind::kProcesses, workers}; }
// One thread with up to IN_FLIGHT coroutines at a time, for tasks that mostly wait. Needs <furrow/async.hpp>.
constexpr Backend async(int in_flight = 64) { return {BackendKind::kAsync, in_flight}; }

}  // namespace FURROW_NAMESPACE
