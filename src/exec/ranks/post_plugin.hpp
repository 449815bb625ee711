// Finds and loads the plugin by which ranks speak: lib/furrow/ranks.so beside the folder of this program.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "channel/post.hpp"

namespace furrow::exec {

// Where the plugin has to be.
std::string post_plugin();

// Starts MPI: all ranks come here. Before anything else that starts threads or takes signals. The plugin
// stays loaded for good.
Result<std::unique_ptr<channel::Post>> load_post();

}  // namespace furrow::exec
