#include "workflow/jobs/files_to_lock.hpp"

#include <utility>
#include <vector>

namespace furrow::workflow {

store::FilesToLock files_to_lock(const Dag& dag, const RuleSet& rules, std::span<const NodeId> writing,
                                 std::span<const NodeId> reading) {
  store::FilesToLock files;
  std::vector<char> is_known(dag.files.size(), 0);
  for (const NodeId node : writing) {
    const auto& outputs = rules[dag.node(node).rule].outputs;
    const auto made = dag.outputs(node, rules);
    for (std::size_t i = 0; i < made.size(); ++i) {
      is_known[made[i]] = 1;
      files.outputs.push_back(
          {dag.files.view(made[i]), dag.files.view(made.front()), (outputs[i].flags & kDirectory) != 0});
    }
  }
  for (const NodeId node : reading) {
    for (const FileId file : dag.inputs(node)) {
      if (!std::exchange(is_known[file], 1)) files.inputs.push_back(dag.files.view(file));
    }
  }
  return files;
}

}  // namespace furrow::workflow
