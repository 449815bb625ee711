// This process as a rank of an MPI program: starts MPI, knows the other ranks, and ends together with them.
//
// States: not started -> started -> ended (when Furrow or the program calls MPI_Finalize). Each process has
// one Program, which lives until the process ends. In a forked child require_usable() throws.
#pragma once

#include <mpi.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mpi_pool/mpi_transport.hpp"
#include "os/process/supervisor.hpp"

namespace furrow::mpi_pool {

class Program {
 public:
  static Program& here();

  bool started() const { return transport_ != nullptr; }
  // Starts MPI, with thread support THREADS, unless the program has; then compares the builds of all ranks.
  // IDENTITY counts as part of a rank's build.
  void start(int threads = MPI_THREAD_SERIALIZED, std::uint64_t identity = 0);
  // Throws PoolError if MPI cannot be used here: in a forked child, after MPI_Finalize, or on a thread that
  // may not call MPI.
  void require_usable() const;

  int rank() const { return rank_; }
  int size() const { return size_; }
  MpiTransport& transport() { return *transport_; }
  // Why the ranks cannot work together; empty if they can. On rank 0.
  const std::string& mismatch() const { return mismatch_; }
  // Every rank's number, on all ranks. All ranks must call it together.
  std::vector<int> gather(int mine);

  // Called on rank 0 before MPI ends.
  std::function<void()> at_end = [] {};
  // Ends MPI if it has not ended.
  void finalize();

  // Ends the job step if this rank dies; null where that is not needed.
  os::Supervisor* supervisor = nullptr;

  bool busy = false;  // a Pool is alive
  // How many workers each rank has when the Pool does not say.
  std::vector<int> cores_of{};

 private:
  Program() = default;
  void compare_builds(std::uint64_t identity);
  void enter(os::Supervisor::Stage stage) const;
  static int before_end(MPI_Comm, int, void*, void*);

  pid_t owner_ = 0;
  int rank_ = 0, size_ = 1;
  int threads_ = MPI_THREAD_SINGLE;
  bool ended_ = false;
  MPI_Comm communicator_ = MPI_COMM_NULL;
  std::unique_ptr<MpiTransport> transport_{};
  std::string mismatch_{};
};

bool mpi_runs();
// How many cores a rank's workers get: those that the rank may use, but at most its share of the computer's,
// on which RANKS_HERE ranks run.
int cores_for_rank(int ranks_here);
// How many ranks are on this computer, if the launcher's environment variables say so; otherwise 0.
int ranks_here_by_environment();

}  // namespace furrow::mpi_pool
