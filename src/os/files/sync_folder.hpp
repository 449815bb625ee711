// Makes the names in a folder durable.
#pragma once

#include <string>

namespace furrow::os {

// A file that was made in the folder, or renamed, keeps its name after a power cut. "": the current folder. An error
// does not matter: where folders cannot be synced, there is nothing better to do.
void sync_folder(const std::string& path);

}  // namespace furrow::os
