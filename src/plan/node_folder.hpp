// What stands for the folder for temporary files in a launch, as long as nobody knows the node on which it will run.
// The runner on the node puts its own folder there. Nothing can be made or read under this name.
#pragma once

#include <string>
#include <string_view>

namespace furrow::plan {

inline constexpr std::string_view kNodeFolder =
    "/dev/null/tmpdir-of-the-node";  // as NODE_FOLDER in resources.py

// TEXT with FOLDER in its place.
inline std::string with_node_folder(std::string text, std::string_view folder) {
  for (std::size_t at = text.find(kNodeFolder); at != std::string::npos;
       at = text.find(kNodeFolder, at + folder.size()))
    text.replace(at, kNodeFolder.size(), folder);
  return text;
}

}  // namespace furrow::plan
