// One place where one process sleeps for many rings: each ring's peer rings it after a change.
//
// Memory: 128 bytes that all parties share; no pointers inside. States of the word: awake (0) -> parked (1)
// -> awake, as in wait.hpp; ringing costs a load where nobody sleeps.
//
// Thread-safety: anyone may ring at any time; one thread at a time waits. A party that dies holds nothing.
#pragma once

#include <atomic>
#include <cstdint>

#include "channel/wait.hpp"

namespace furrow::channel {

class alignas(128) Doorbell {  // placed into zeroed shared memory, or constructed there
 public:
  // After a change stored with seq_cst.
  void ring() { wake_if_parked(waiting_); }

  // For those who changed something the sleeper looks at besides rings: its cancelled word, a dead worker.
  void nudge() { wake_if_parked(waiting_); }

  // Until READY() returns something other than kTimeout: kOk, or what ends the wait. It looks at the rings
  // (for instance RingReader::readable() > 0) and must not block. It is asked first of all, and after each
  // ring.
  template <class Ready>
  Status wait(const Patience& patience, std::int64_t spin_ns, Ready ready) {
    return wait_until(waiting_, patience, spin_ns, ready);
  }

 private:
  std::atomic<std::uint32_t> waiting_{0};
};

static_assert(sizeof(Doorbell) == 128);

}  // namespace furrow::channel
