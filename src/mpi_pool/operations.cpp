#include "mpi_pool/operations.hpp"

#include <algorithm>
#include <map>
#include <memory>

#include "furrow/detail/function_address.hpp"
#include "furrow/detail/rank_call.hpp"
#include "pool/processes/process_engine.hpp"
#include "pool/task/failure.hpp"
#include "pool/workers/worker_wire.hpp"

namespace furrow::mpi_pool {

namespace {

// The data on this rank. Operations run one at a time, on the thread that calls MPI.
struct RankHere {
  int rank = 0;
  int workers = 1;
  std::map<std::uint64_t, std::shared_ptr<void>> parts{};
  std::unique_ptr<pool::ProcessEngine> engine{};
};
RankHere& here() {
  static RankHere rank;
  return rank;
}

// The Failure of the task that failed, or one made from any other exception.
Failure failure_now() {
  try {
    throw;
  } catch (const TaskError& error) {
    return error.failure();
  } catch (...) {
    return pool::current_failure();
  }
}

}  // namespace

void set_rank_here(int rank, int workers) {
  here().rank = rank;
  if (std::exchange(here().workers, std::max(workers, 1)) != workers) here().engine.reset();
}

void drop_all_parts() { here().parts.clear(); }

void run_operation(pool::BytesReader record, Writer& reply) {
  remote::Bytes result;
  std::uint64_t failed = 0;
  try {
    auto* const operation = detail::read_function_address<void(Reader&, Writer&)>(record);
    operation(record, result);
  } catch (...) {
    failed = 1;
    result.clear();
    pool::encode_failure(result, failure_now());
  }
  reply.write(&failed, sizeof failed);
  reply.write(result.data(), result.size());
}

}  // namespace furrow::mpi_pool

namespace FURROW_NAMESPACE::detail {

using mpi_pool::here;

int this_rank() { return here().rank; }

void keep_part(std::uint64_t id, std::shared_ptr<void> part) { here().parts[id] = std::move(part); }

std::shared_ptr<void> part_of(std::uint64_t id) {
  const auto found = here().parts.find(id);
  return found == here().parts.end() ? nullptr : found->second;
}

void drop_part(std::uint64_t id) { here().parts.erase(id); }

void run_on_this_rank(const MapCall& call, const MapOptions& options, std::uint64_t begin, std::uint64_t end,
                      std::uint64_t number) {
  if (begin == end) return;
  if (!here().engine) here().engine = std::make_unique<pool::ProcessEngine>(here().workers, PoolOptions{});
  here().engine->check(call, options);
  pool::TimeoutMonitor timeout_monitor;
  pool::RunningMap run(call, options, timeout_monitor, false);
  run.seed = options.seed.value_or(0);
  run.number = number;
  run.only({{begin, end}});
  here().engine->run(run);
  const std::vector<Failure> failures = run.take_failures();
  if (!failures.empty()) throw_failure(failures.front());
}

}  // namespace FURROW_NAMESPACE::detail
