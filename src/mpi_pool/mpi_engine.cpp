#include "mpi_pool/mpi_engine.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <numeric>

#include "base/log.hpp"
#include "furrow/mpi.hpp"
#include "mpi_pool/operations.hpp"
#include "mpi_pool/ranks_here.hpp"
#include "mpi_pool/worker_functions.hpp"
#include "os/process/fork.hpp"
#include "remote/opening.hpp"
#include "remote/rank_server.hpp"

namespace FURROW_NAMESPACE {

Backend mpi(int workers_per_rank, bool root_works) {
  return {BackendKind::kMpi, workers_per_rank, root_works, &mpi_pool::make_engine};
}

}  // namespace FURROW_NAMESPACE

namespace furrow::mpi_pool {

using remote::OpenHead;
using remote::RankServer;
using remote::RankWorkers;
using remote::RemoteWorkers;

namespace {

constexpr int kMostWorkers = 4096;

[[noreturn]] void serve_until_the_end(Program& program, std::unique_ptr<RankWorkers> workers) {
  RankServer::Hooks hooks;
  hooks.make_workers = [](const OpenHead& head, pool::BytesReader reader) {
    PoolOptions options;
    options.max_tasks_per_child = head.max_tasks_per_child;
    if (head.has_worker_functions != 0) read_worker_functions(reader, options);
    return std::make_unique<RankWorkers>(static_cast<int>(head.workers), options, false);
  };
  hooks.opened = [&program](int count) { set_rank_here(program.rank(), count); };
  hooks.closed = [] { drop_all_parts(); };
  hooks.run_operation = run_operation;
  RankServer(program.transport(), std::move(workers), std::move(hooks)).serve();
  program.finalize();
  std::exit(0);
}

void require_sendable(const WorkerFunction& function, const char* name) {
  if (function && !function.run_sent())
    throw PoolError(fmt::format(
        "the {} of a second Pool over MPI is sent to the other ranks, and this one has captures or "
        "other state: use furrow::bind(f, values...) with a function without captures",
        name));
}

std::function<void(Writer&)> sent(const PoolOptions& options) {
  if (!options.initializer && !options.finalizer) return {};
  return [&](Writer& to) { write_worker_functions(options, to); };
}

bool root_works(const Backend& backend, const Program& program) {
  return backend.root_works || program.size() == 1;
}

// Called by all ranks. If the number of workers is known by then, they are forked before MPI is started.
pool::Engine* first_engine(Program& program, const Backend& backend, const PoolOptions& options) {
  const bool ours = !mpi_runs();
  if (ours && !os::is_single_threaded())
    throw PoolError(
        "this program has other threads, and workers are forked when the Pool over MPI is made: "
        "make it before the program starts threads");
  std::unique_ptr<RankWorkers> workers;
  const auto make_workers = [&](int ranks_here, bool alone) {
    const int count = backend.workers ? backend.workers : cores_for_rank(ranks_here);
    workers = std::make_unique<RankWorkers>(count, options, alone);
  };
  int ranks_here = ranks_here_by_environment();
  if (ours && (backend.workers || ranks_here)) make_workers(ranks_here, true);
  program.start();
  if (ranks_here == 0) ranks_here = ranks_here_by_mpi();
  if (!workers) make_workers(ranks_here, false);
  program.cores_of = program.gather(cores_for_rank(ranks_here));
  const std::vector<int> made = program.gather(workers->workers());
  std::vector<int> workers_of = made;
  if (program.rank() != 0) serve_until_the_end(program, std::move(workers));
  program.at_end = [&program] { remote::end_others(program.transport()); };
  if (!program.mismatch().empty()) throw PoolError(program.mismatch());
  if (!root_works(backend, program)) {
    workers.reset();
    workers_of[0] = 0;
  }
  const std::uint64_t pool =
      remote::open_on_others(program.transport(), {workers_of, made, options.max_tasks_per_child, {}});
  return new MpiEngine(program, pool, workers_of, std::move(workers));
}

// Called by rank 0 alone.
pool::Engine* later_engine(Program& program, const Backend& backend, const PoolOptions& options) {
  if (!program.mismatch().empty()) throw PoolError(program.mismatch());
  if (program.busy)
    throw PoolError(
        "another Pool over MPI is alive, and all ranks work for it: use that one, or end it first");
  if (program.size() > 1) {
    require_sendable(options.initializer, "initializer");
    require_sendable(options.finalizer, "finalizer");
  }
  std::vector<int> workers_of = program.cores_of;
  if (backend.workers) workers_of.assign(workers_of.size(), backend.workers);
  if (!root_works(backend, program)) workers_of[0] = 0;
  std::unique_ptr<RankWorkers> own;
  if (workers_of[0] > 0) own = std::make_unique<RankWorkers>(workers_of[0], options, false);
  const std::uint64_t pool = remote::open_on_others(
      program.transport(), {workers_of, {}, options.max_tasks_per_child, sent(options)});
  return new MpiEngine(program, pool, workers_of, std::move(own));
}

}  // namespace

pool::Engine* make_engine(const Backend& backend, const PoolOptions& options) {
  if (backend.workers < 0 || backend.workers > kMostWorkers)
    throw PoolError("a rank has 1 to " + std::to_string(kMostWorkers) + " workers, not " +
                    std::to_string(backend.workers) + "; 0 means its share of the cores");
  Program& program = Program::here();
  program.require_usable();
  return program.started() ? later_engine(program, backend, options)
                           : first_engine(program, backend, options);
}

MpiEngine::MpiEngine(Program& program, std::uint64_t pool, const std::vector<int>& workers_of,
                     std::unique_ptr<RankWorkers> own)
    : program_(program),
      workers_of_(workers_of),
      workers_(new RemoteWorkers(program.transport(), pool, workers_of, std::move(own))),
      persistent_(std::unique_ptr<pool::ChunkWorkers>(workers_)) {
  FURROW_LOG(mpi, info, "Pool {} over MPI: {} workers on {} ranks, {} of them on rank 0", pool,
             this->workers(), workers_of.size(), workers_of[0]);
  program_.busy = true;
  set_rank_here(program.rank(), workers_of[0]);
}

MpiEngine::~MpiEngine() {
  program_.busy = false;
  drop_all_parts();
}

int MpiEngine::workers() const { return std::accumulate(workers_of_.begin(), workers_of_.end(), 0); }

void MpiEngine::on_ranks(const detail::RankCall& call) {
  program_.require_usable();
  persistent_.in_turn([&] { workers_->operate(call, run_operation); });
}

void MpiEngine::check(const detail::MapCall& call, const MapOptions&) const {
  program_.require_usable();
  persistent_.check(call);
}

void MpiEngine::check(const detail::CallNode& call) const {
  program_.require_usable();
  persistent_.check(call);
}

}  // namespace furrow::mpi_pool
