// Options of Snakemake that `furrow run` does not support yet. A clear refusal is better than doing something
// other than what was asked for.
#pragma once

#include <string>

namespace furrow::cli {

// The feature of Snakemake that NAME ("--use-conda") asks for, if it is not supported yet; empty if Snakemake
// has no such option either.
std::string not_yet(const std::string& name);

}  // namespace furrow::cli
