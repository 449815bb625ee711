// The output of an attempt that runs elsewhere, kept until the attempt ends.
#pragma once

#include <string>

#include "os/files/spill.hpp"

namespace furrow::exec {

// The end of both streams, at most plan::kKeptOutput bytes. Standard error has precedence if not both fit.
std::string end_of(const os::Spill& out, const os::Spill& err);

}  // namespace furrow::exec
