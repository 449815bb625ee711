// How a job in a batch ended, in the words of an Exit.
#pragma once

#include <string>

#include "exec/cluster/submitted_batch.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// Whether the job may have been ended from outside.
bool is_doubtful(const plan::Exit& exit);
// Makes the error say why the job failed, in which batch, and where its log is. `system` is the name of the
// batch system.
void explain_failure(plan::Exit& exit, const SubmittedBatch& batch, const char* system);
// The end of a job whose batch is gone. `why` says what is known about the job itself.
plan::Exit exit_of_lost(const SubmittedBatch& batch, const std::string& why, const char* system);

}  // namespace furrow::exec
