// What tells one container image from another, for the record of a job.
#pragma once

#include <string>

namespace furrow::deploy {

// The address; of a file also what it is: its size and a hash of its beginning, where image files have a time and an id of
// their own. So a copy is the same image. What changes within a folder is not noticed.
std::string image_identity(const std::string& image);

}  // namespace furrow::deploy
