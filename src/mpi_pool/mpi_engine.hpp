// The backend of a Pool over MPI, on rank 0.
#pragma once

#include "furrow/backend.hpp"
#include "mpi_pool/program.hpp"
#include "pool/engine.hpp"
#include "pool/processes/persistent_workers.hpp"
#include "remote/remote_workers.hpp"

namespace furrow::mpi_pool {

// Does not return on ranks other than 0: see furrow/mpi.hpp.
pool::Engine* make_engine(const Backend& backend, const PoolOptions& options);

class MpiEngine : public pool::Engine {
 public:
  MpiEngine(Program& program, std::uint64_t pool, const std::vector<int>& workers_of,
            std::unique_ptr<remote::RankWorkers> own);
  ~MpiEngine() override;

  int workers() const override;
  void check(const detail::MapCall& call, const MapOptions& options) const override;
  void check(const detail::CallNode& call) const override;
  void run(pool::RunningMap& run) override { persistent_.run(run); }
  std::unique_ptr<detail::Stream> open(pool::RunningMap& run) override { return persistent_.open(run); }
  void submit(detail::CallNode* call, const std::stop_token& stop) override {
    persistent_.submit(call);
    call->cancel_on(stop);
  }
  void wait() override { persistent_.wait(); }
  void cancel_calls() override { persistent_.cancel_calls(); }
  CallCounts call_counts() override { return persistent_.call_counts(); }
  std::vector<int> rank_workers() const override { return workers_of_; }
  void on_ranks(const detail::RankCall& call) override;

 private:
  Program& program_;
  const std::vector<int> workers_of_;
  remote::RemoteWorkers* workers_;  // owned by persistent_
  pool::PersistentWorkers persistent_;
};

}  // namespace furrow::mpi_pool
