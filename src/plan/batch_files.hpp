// Files of a job that others build on before the engine hears of its end: they go to a cluster in one batch,
// and the runner on the node sees to these.
#pragma once

#include <string>
#include <vector>

namespace furrow::plan {

struct BatchFiles {
  std::vector<std::string> files{}, folders{};  // must be there once it has ended
  std::vector<std::string> touched{};           // made, or given a new time, once it has ended
  // that it uses: removed once all of the batch that use it have succeeded
  std::vector<std::string> temporary{};
};

}  // namespace furrow::plan
