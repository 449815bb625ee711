// Finds and loads the plugin through which ranks exchange messages: ../lib/furrow/ranks.so, from the
// program's folder.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "channel/transport.hpp"

namespace furrow::exec {

// The path at which the plugin must be.
std::string transport_plugin();

// Loads the plugin and starts MPI. All ranks call it, before anything that starts threads or handles signals.
// The plugin stays loaded until the process ends.
Result<std::unique_ptr<channel::Transport>> load_transport();

}  // namespace furrow::exec
