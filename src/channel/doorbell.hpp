// Lets one process sleep until any of many rings changes: each ring's peer rings the doorbell after a change.
//
// Memory: 128 bytes that all parties share; no pointers inside. States of the word: awake (0) -> parked (1)
// -> awake, as in wait.hpp. Ringing costs one load while nobody sleeps.
//
// Thread-safety: anyone may ring at any time; one thread at a time waits. A party that dies holds no lock.
#pragma once

#include <atomic>
#include <cstdint>

#include "channel/wait.hpp"

namespace furrow::channel {

// Lives in zeroed shared memory, or is constructed there.
class alignas(128) Doorbell {
 public:
  // Call it after a change that was stored with seq_cst.
  void ring() { wake_if_parked(waiting_); }

  // Call it after a change to anything else that the sleeper checks: its cancelled word, a dead worker.
  void nudge() { wake_if_parked(waiting_); }

  // Whether the sleeper sleeps, or died asleep.
  bool is_parked() const { return waiting_.load() != 0; }
  // Wakes the sleeper whatever the word says: it may have been overwritten.
  void wake_anyway() { channel::wake_anyway(waiting_); }
  // For a sleeper that begins anew.
  void reset() { waiting_.store(0); }

  // Waits until READY() returns something other than kTimeout, and returns that: kOk, or why the wait ended.
  // READY looks at the rings (for instance RingReader::readable() > 0) and must not block. It is called at
  // the start and after each ring.
  template <class Ready>
  Status wait(const Patience& patience, std::int64_t spin_ns, Ready ready) {
    return wait_until(waiting_, patience, spin_ns, ready);
  }

 private:
  std::atomic<std::uint32_t> waiting_{0};
};

static_assert(sizeof(Doorbell) == 128);

}  // namespace furrow::channel
