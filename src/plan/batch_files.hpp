// The files of a job that runs in one batch on a cluster together with jobs that need its outputs. Those jobs
// start before the engine learns of its end, so the runner on the node checks, touches and removes these
// files.
#pragma once

#include <string>
#include <vector>

namespace furrow::plan {

struct BatchFiles {
  std::vector<std::string> files{}, folders{};  // must exist once the job has ended
  std::vector<std::string> touched{};           // created, or given a new mtime, once it has ended
  // temporary inputs: removed once all jobs of the batch that use them have succeeded
  std::vector<std::string> temporary{};
  std::vector<std::string> pipes{};     // made right before it starts
  std::vector<std::string> services{};  // are there as long as it runs: what uses it starts once they are
};

}  // namespace furrow::plan
