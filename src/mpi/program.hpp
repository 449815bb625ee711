// This process as a rank of an MPI program: starts MPI, knows the others, and ends together with them.
//
// States: not started -> started -> ended (MPI_Finalize, whoever calls it). There is one for each process,
// and it lives until the process ends. Forked children have no part in it: require_here() throws there.
#pragma once

#include <mpi.h>
#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mpi/mailbox.hpp"
#include "os/process/keeper.hpp"

namespace furrow::mpi_detail {

class Program {
 public:
  static Program& here();

  bool started() const { return mailbox_ != nullptr; }
  // Starts MPI unless that was done, with this much support for threads, and compares the builds of all
  // ranks, of which IDENTITY is a part.
  void start(int threads = MPI_THREAD_SERIALIZED, std::uint64_t identity = 0);
  // Throws PoolError where MPI cannot be used: in a child, after its end, on a thread that may not.
  void require_usable() const;

  int rank() const { return rank_; }
  int size() const { return size_; }
  Mailbox& mailbox() { return *mailbox_; }
  // Why the ranks cannot work together; empty where they can. On rank 0.
  const std::string& mismatch() const { return mismatch_; }
  // One number of each rank, on all of them. All ranks have to call it.
  std::vector<int> gather(int mine);

  // Called on rank 0 before MPI ends.
  std::function<void()> at_end = [] {};
  // Ends MPI if that has not happened.
  void finalize();

  os::Keeper* keeper = nullptr;  // who ends the job step if this rank dies; null where nobody need do so

  bool busy = false;            // a Pool is alive
  std::vector<int> cores_of{};  // for workers, on each rank, where the Pool does not say how many

 private:
  Program() = default;
  void compare_builds(std::uint64_t identity);
  void enter(os::Keeper::Stage stage) const;
  static int before_end(MPI_Comm, int, void*, void*);

  pid_t owner_ = 0;
  int rank_ = 0, size_ = 1;
  int threads_ = MPI_THREAD_SINGLE;
  bool ended_ = false;
  MPI_Comm communicator_ = MPI_COMM_NULL;
  std::unique_ptr<Mailbox> mailbox_{};
  std::string mismatch_{};
};

// The cores for one rank's workers: those that it may use, at most its share of the computer's. RANKS_HERE
// are on this computer.
int cores_for_rank(int ranks_here);
// How many that are, as the launcher tells in the environment; 0 where it does not.
int ranks_here_by_environment();

}  // namespace furrow::mpi_detail
