// Workers in other processes that are given parcels, wherever they are: on this machine (MessageCrew), or on
// other ranks as well.
//
// It needs no thread: work goes on by itself as far as it was sent, and the rest whenever somebody calls
// pump(). Where the crew cannot go on, everything fails with kLost and a message that says why.
//
// Thread-safety: one thread at a time, but for nudge().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pool/messages/parcel.hpp"

namespace furrow::pool {

class ParcelCrew {
 public:
  virtual ~ParcelCrew() = default;
  virtual void submit(Parcel* parcel) = 0;
  // Does what can be done now; where that is nothing, sleeps until there is something, AT_MOST_NS.
  void pump(std::int64_t at_most_ns) {
    if (!work() && at_most_ns > 0) rest(at_most_ns);
  }
  // Its two halves, for those who let go of a lock while they sleep. work() tells whether there was anything.
  virtual bool work() = 0;
  virtual void rest(std::int64_t at_most_ns) = 0;
  virtual bool idle() const = 0;
  // Takes everything back that no worker has begun; gives the parcels of which nothing was begun at all.
  virtual std::vector<Parcel*> withdraw() = 0;
  // Ends the tasks that are on parcels of JOB.
  virtual void stop(std::uint64_t job) = 0;
  // No more parcels of JOB come: what was kept for them may go.
  virtual void forget(std::uint64_t /*job*/) {}
  virtual const std::string& broken() const = 0;
  virtual void nudge() = 0;  // wakes whoever sleeps in pump(); any thread
  virtual void leave() = 0;  // the workers end when they have nothing to do

  // How a map should be cut for it.
  struct Appetite {
    std::size_t parcels = 0;     // under way at a time
    std::uint64_t units = 0;     // at least so many of them under way, where there are
    std::int64_t parcel_ns = 0;  // of work in each
    bool cuts_parcels = false;   // into chunks of Parcel::chunksize; otherwise a parcel is a chunk
  };
  virtual Appetite appetite() const = 0;

  std::size_t window = 2;  // parcels that a worker gets ahead of what it is on
  std::function<void(int worker)> restarted = [](int) {};  // called when a dead worker has been replaced
};

}  // namespace furrow::pool
