// Why a job must run.
#pragma once

#include <cstdint>

namespace furrow::workflow {

enum Reason : std::uint16_t {
  kForced = 1,
  kMissingOutput = 2,
  kNewerInput = 4,
  kUpstream = 8,  // a job that it depends on must run
  kInputsChanged = 16,
  kParamsChanged = 32,
  kCodeChanged = 64,
  kIncomplete = 128,     // its last run failed or was interrupted
  kNothingMade = 256,    // it makes no files, so it runs whenever it is a target
  kParamsFail = 512,     // its params cannot be found out, so it fails when it runs
  kChangedInput = 1024,  // an input has changed, though it is not newer
  kEnvironmentChanged = 2048,
  kInDoubt = 4096,     // what it made may not have reached the disk before the machine went down
  kLostRecord = 8192,  // it has no record, perhaps since the store has lost it
  kOpenQueue = 16384,  // more inputs may come from its queue
};
using Reasons = std::uint16_t;

}  // namespace furrow::workflow
