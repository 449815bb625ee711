// One slot of the local executor: everything that belongs to the attempt in it. Attempts use a slot one after
// the other. The states are described in local_executor.hpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "exec/output/capture.hpp"
#include "os/process/process.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// How an attempt has been asked to end.
enum class Asked : std::uint8_t { kNothing, kTerminate, kKill };

struct AttemptSlot {
  AttemptSlot(std::uint32_t the_index, std::atomic<std::int32_t>* the_watched, CaptureTools& tools)
      : index(the_index), watched(the_watched), capture(tools) {}

  void clear_watched() {
    if (watched != nullptr) *watched = 0;
  }

  const std::uint32_t index;
  // its group in the watchdog's table; null: there is no watchdog
  std::atomic<std::int32_t>* const watched;
  // kRetired: a fork request that was never answered. Its child may still appear, so its slot in the
  // watchdog's table is not used again.
  // kPostponed: the system has refused to start it for the moment.
  enum class State : std::uint8_t { kFree, kPostponed, kStarting, kRunning, kDraining, kEnded, kRetired };
  State state = State::kFree;
  Asked asked = Asked::kNothing;
  bool is_fork = false;
  bool is_second = false;  // it is started once more, by the shell
  std::uint32_t use = 0;   // counts the uses of the slot, to recognize answers meant for an earlier one
  int pid = -1;            // also the process group; -1: not known yet
  int pidfd = -1;
  os::Child child;
  plan::Launch launch;          // kept as long as the attempt may have to be started again
  std::string mark;             // of processes that leave the group (os::kMarkVariable); empty: none do
  double timeout_s = 0;         // Attempt::timeout_s
  double started = 0;           // monotonic seconds
  double killed = 0;            // when SIGKILL was sent, monotonic seconds
  std::size_t step = 0;         // index into LocalOptions::ending
  std::uint64_t timeout = 0;    // timer: Attempt::timeout_s
  std::uint64_t grace = 0;      // timer: the next signal
  std::uint64_t memory = 0;     // timer: the next look at its memory
  std::int64_t seen_kb = 0;     // the largest memory peak seen while it ran
  std::string scratch, script;  // files to delete
  Capture capture;
  plan::Exit exit;
};

}  // namespace furrow::exec
