// Whether an MPI launcher has started this command several times: each of them would do all the work.
#pragma once

#include <optional>

#include "base/error.hpp"

namespace furrow::cli {

// The refusal, where mpirun, mpiexec or srun started this process as one of several.
std::optional<Error> refuse_several_ranks();

}  // namespace furrow::cli
