// The parked template of a crew: a forked copy of this process that forks the workers, tells of their deaths,
// and takes them along when this process dies.
//
// Processes: parent (whoever made the Nursery) -> template -> workers. The template is a single thread that
// never runs a task. It sleeps until a child ends, the parent ends (a pidfd), or the parent pokes it
// (SIGCHLD, which it reads from a descriptor). Its image is that of the moment when the Nursery was made, so
// that is what later workers start from, however late.
//
//   slot.life: Vacant -> (parent) Wanted -> (template) Alive -> Dead -> (parent, when it has taken stock)
//              Wanted | Vacant;  Wanted -> Unborn where fork fails
//
// Shutdown: end() says so to workers and template; workers leave when they are hungry (kSoon) or are killed
// (kNow, and stragglers); the template leaves when all are reaped, and is waited for. So nobody uses the
// crew's memory after end(). If the template is killed, the kernel kills its workers: lost() says so, and
// nobody knows how long they go on using the memory.
//
// Thread-safety: one thread. Ownership: borrows memory. In a process other than the one that made it (a
// worker that inherited it) it does nothing.
#pragma once

#include <sys/types.h>

#include <functional>

#include "pool/crew/crew_memory.hpp"

namespace furrow::pool {

class Nursery {
 public:
  // BODY(worker) runs in the worker, forked from the template, and gives its exit status. Workers are forked
  // for the slots that are wanted. Throws PoolError where the template cannot be forked.
  // ALONE: no other thread runs in this process.
  Nursery(const CrewMemory& memory, bool alone, std::function<int(int worker)> body);
  // SPAWNED is a child of this process that has the memory as its own, and calls tend().
  Nursery(const CrewMemory& memory, pid_t spawned);
  // In such a child, until the crew ends; gives its exit status. It has no other thread.
  static int tend(const CrewMemory& memory, pid_t parent, std::function<int(int worker)> body);
  ~Nursery();
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  void want(int worker);  // a first worker, or one for the dead
  void kill(int worker);  // its death will be told as any other
  void poke() const;
  // Whether the template itself has ended: no more workers, and those that live are being killed.
  bool lost();
  // Whether all ended in good order: false where the template was lost.
  bool end(Ending how);

 private:
  int tend(pid_t parent);
  bool obey(Ending ending);
  void bear(int worker);
  void reap();

  const CrewMemory& memory_;
  std::function<int(int worker)> body_;
  pid_t maker_;
  pid_t template_ = 0;  // 0: none
  bool lost_ = false;
  int signals_ = -1, parents_end_ = -1;  // in the template
};

}  // namespace furrow::pool
