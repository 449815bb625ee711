// Options of GNU parallel that `furrow map` does not have. A clear refusal is better than doing something
// other than what was asked for.
#pragma once

#include <string>

namespace furrow::cli {

// Why there is no option NAME ("--sshlogin", "-S"), and what to do instead; empty if GNU parallel has no such
// option either.
std::string why_refused(const std::string& name);

}  // namespace furrow::cli
