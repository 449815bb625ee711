// One place of the local executor in which attempts run, one after the other: what belongs to the one that is
// in it. Its states are those of local_executor.hpp.
#pragma once

#include <cstdint>
#include <string>

#include "exec/output/capture.hpp"
#include "os/process/process.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// How much of an attempt has been asked to end.
enum class Asked : std::uint8_t { kNothing, kTerminate, kKill };

struct AttemptSlot {
  explicit AttemptSlot(CaptureTools& tools) : capture(tools) {}

  // retired: a fork that nobody answered for; its child may still come, so its place in the guard's table is
  // not given out again.
  enum class State : std::uint8_t { kFree, kStarting, kRunning, kDraining, kEnded, kRetired };
  State state = State::kFree;
  Asked asked = Asked::kNothing;
  bool is_fork = false;
  std::uint32_t use = 0;  // of this slot; tells an answer to an earlier one
  int pid = -1;           // and process group; -1: not known yet
  int pidfd = -1;
  os::Child child;
  plan::Launch launch;        // what it was started with, as long as it may have to be started again
  double started = 0;         // on the clock that measures
  double killed = 0;          // when SIGKILL was sent
  std::size_t step = 0;       // of what it is sent to end
  std::uint64_t timeout = 0;  // timers
  std::uint64_t grace = 0;
  std::uint64_t memory = 0;
  std::int64_t seen_kb = 0;     // the largest peak that was seen while it ran
  std::string scratch, script;  // files to delete
  Capture capture;
  plan::Exit exit;
};

}  // namespace furrow::exec
