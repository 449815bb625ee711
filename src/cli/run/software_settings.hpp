// What the options say of software environments.
#pragma once

#include <string>

#include "cli/run/run_options.hpp"
#include "deploy/environments.hpp"

namespace furrow::cli {

// The folder of conda environments, absolute. Call it once the run is in its own folder.
std::string conda_prefix(const RunOptions& options);
// Where the images of containers are kept.
std::string container_prefix(const RunOptions& options);

// PYTHON: that of the Snakefile.
deploy::Settings software_settings(const RunOptions& options, const std::string& python);

}  // namespace furrow::cli
