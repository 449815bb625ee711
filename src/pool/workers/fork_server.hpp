// Forks worker processes from a template: a parked copy of this process that forks the workers, reports their
// deaths, and takes them down when this process dies.
//
// Processes: parent (which made the ForkServer) -> template -> workers. The template has a single thread and
// never runs a task. It sleeps until a child ends, the parent ends (a pidfd), or the parent wakes it
// (SIGCHLD, which is blocked except while it sleeps). Its image is that of the moment when the ForkServer was made,
// so all workers start from that state, however late they are forked.
//
//   process_state: Vacant -> (parent) Wanted -> (template) Alive -> Dead
//                  Dead -> (parent, when the death is accounted for) Vacant or Wanted
//                  Wanted -> (template, if fork fails) ForkFailed -> (parent) Vacant
//
// A worker is killed together with the programs that its tasks have started and that still run.
//
// Shutdown: end() asks workers and template to end. Workers end when they are idle (kSoon), end with their task if that
// obeys (kStop), or are killed (kNow, or if they take too long); the template ends when all workers are reaped, and end() waits for it. So
// no process uses the workers' memory after end(). If the template is killed, the kernel kills its workers:
// lost() reports that, and it is unknown how long the workers still use the memory.
//
// Thread-safety: one thread. Ownership: borrows memory. In a process other than the one that made it (a
// worker that inherited it) it does nothing.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <functional>

#include "pool/workers/worker_memory.hpp"

namespace furrow::pool {

class ForkServer {
 public:
  // BODY(worker) runs in each worker that is forked from the template, and returns its exit status. Workers
  // are forked for the slots that are wanted. Throws PoolError if the template cannot be forked.
  // ALONE: no other thread runs in this process.
  ForkServer(const WorkerMemory& memory, bool alone, std::function<int(int worker)> body);
  // SPAWNED is a child of this process that has attached the same memory, and calls run_template().
  ForkServer(const WorkerMemory& memory, pid_t spawned);
  // Called in such a child, which must have no other thread. Runs until end(), and returns the exit status.
  static int run_template(const WorkerMemory& memory, pid_t parent, std::function<int(int worker)> body);
  ~ForkServer();
  ForkServer(const ForkServer&) = delete;
  ForkServer& operator=(const ForkServer&) = delete;

  void want(int worker);           // asks for a first process, or for one that replaces a dead one
  void kill(int worker);           // its death is reported like any other
  void kill_programs(int worker);  // that its tasks have started
  void wake() const;
  // Whether the template itself has ended. No worker can be forked then, and those alive are being killed.
  bool lost();
  // Whether all processes ended in order; false if the template was lost.
  bool end(Ending how);
  // False in a process that inherited it.
  bool is_ours() const;

 private:
  int run_template(pid_t parent);
  bool apply(Ending ending);
  void kill_if_wanted(int worker, Ending ending);
  void sleep(std::int64_t at_most_ns) const;
  void fork_worker(int worker);
  void reap();

  const WorkerMemory& memory_;
  std::function<int(int worker)> body_;
  pid_t maker_;
  pid_t template_ = 0;  // 0: none
  bool lost_ = false;
  // In the template: becomes readable when the parent ends, and the signals that are blocked while it sleeps.
  int parents_end_ = -1;
  sigset_t while_asleep_{};
};

}  // namespace furrow::pool
