// The folder for temporary files of the machine that a job runs on, where a launch leaves it open (plan::kNodeFolder).
#pragma once

#include <string>

#include "base/error.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// TMPDIR, TEMP or TMP, if that is a folder in which files can be made and a name that needs no quotes in any language;
// else /tmp.
std::string node_folder();

// Puts FOLDER into LAUNCH. A file that holds what a script gets is filled by itself.
void fill_node_folder(plan::Launch& launch, const std::string& folder);
Result<void> fill_node_folder(const std::string& file, const std::string& folder);

}  // namespace furrow::exec
