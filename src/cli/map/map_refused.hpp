// Options of GNU parallel that `furrow map` does not have: better a clear word than something else than was
// asked for.
#pragma once

#include <string>

namespace furrow::cli {

// Why there is no option NAME ("--sshlogin", "-S"), and what to do instead; empty where nobody would expect
// it.
std::string why_refused(const std::string& name);

}  // namespace furrow::cli
