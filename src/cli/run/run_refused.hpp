// Options of Snakemake that `furrow run` does not carry out yet: better a clear word than something else than
// was asked for.
#pragma once

#include <string>

namespace furrow::cli {

// What of Snakemake's is asked for by NAME ("--use-conda") and not there yet; empty where nobody would expect
// it.
std::string not_yet(const std::string& name);

}  // namespace furrow::cli
