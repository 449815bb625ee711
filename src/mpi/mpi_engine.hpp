// The backend of a Pool over MPI, on rank 0.
#pragma once

#include "furrow/backend.hpp"
#include "mpi/program.hpp"
#include "mpi/rank_crew.hpp"
#include "pool/engine.hpp"
#include "pool/processes/standing_crew.hpp"

namespace furrow::mpi_detail {

// On ranks other than 0 it does not return: see furrow/mpi.hpp.
pool::Engine* make_engine(const Backend& backend, const PoolOptions& options);

class MpiEngine : public pool::Engine {
 public:
  MpiEngine(Program& program, std::uint64_t pool, const std::vector<int>& workers_of,
            std::unique_ptr<RankWorkers> own);
  ~MpiEngine() override;

  int workers() const override;
  void check(const detail::MapCall& call, const MapOptions& options) const override;
  void check(const detail::CallNode& call) const override;
  void run(pool::MapRun& run) override { standing_.run(run); }
  std::unique_ptr<detail::Stream> open(pool::MapRun& run) override { return standing_.open(run); }
  void submit(detail::CallNode* call) override { standing_.submit(call); }
  void wait() override { standing_.wait(); }
  std::vector<int> rank_workers() const override { return workers_of_; }
  void on_ranks(const detail::RankCall& call) override;

 private:
  Program& program_;
  const std::vector<int> workers_of_;
  RankCrew* crew_;  // standing_ has it
  pool::StandingCrew standing_;
};

}  // namespace furrow::mpi_detail
