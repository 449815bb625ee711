// A mutex for data that worker processes share, as a shared_array.
//
//   furrow::shared_array<int> stock(8);
//   furrow::process_mutex mutex;
//   pool.for_each([&](int item) {
//     const std::lock_guard lock(mutex);
//     --stock[item % 8];
//   }, items);
//
// Workers see it as they see a shared_array: those of a map over processes because they are forked at the call, the
// persistent workers if it was made before the Pool. Threads may use it like any other mutex. It belongs to one
// computer: it cannot be sent to the ranks of a Pool over MPI, and a call that would send it is refused.
//
// Ownership. A handle, like a shared_ptr: copies are handles of the same mutex. It has no name and leaves nothing behind.
//
// A holder that dies. If a process ends while it holds the mutex, what the mutex guards may be half changed. So lock()
// throws HolderDied, to everybody, until somebody has called lock_to_repair(), put the data right, and unlocked. Nobody
// waits for the dead.
//
// Errors. SharedMemoryError if memory is short. std::system_error: lock() by the thread that holds the mutex
// (resource_deadlock_would_occur), unlock() by one that does not (operation_not_permitted).
#pragma once

#include <memory>
#include <system_error>

#include "furrow/detail/abi.hpp"
#include "furrow/shared_array.hpp"

namespace FURROW_NAMESPACE {

// Its code is std::errc::owner_dead.
class FURROW_API HolderDied : public std::system_error {
 public:
  HolderDied();
};

class FURROW_API process_mutex {
 public:
  process_mutex();

  void lock();
  bool try_lock();                    // false if somebody holds it
  bool try_lock_for(double seconds);  // the same after a while
  void unlock();
  // As lock(), also after a holder's death: then it returns true, and unlock() makes the mutex usable again.
  bool lock_to_repair();

 private:
  struct State;
  std::shared_ptr<void> state_;
};

}  // namespace FURROW_NAMESPACE
