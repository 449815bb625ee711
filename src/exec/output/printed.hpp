// What an attempt that runs elsewhere has printed, kept until it ends.
#pragma once

#include <string>

#include "os/files/spill.hpp"

namespace furrow::exec {

// The last part of both, at most plan::kKeptOutput bytes; standard error goes first where not both fit.
std::string end_of(const os::Spill& out, const os::Spill& err);

}  // namespace furrow::exec
