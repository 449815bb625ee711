#include "cli/run/output_cleaner.hpp"

#include <cstdio>

#include "cli/report_error.hpp"

namespace furrow::cli {

int delete_outputs(WorkflowSession& session, bool only_temp) {
  std::size_t removed = 0;
  const bool only_say = session.options().dry_run;
  for (const workflow::NodeId node : session.dag().order()) {
    const auto& outputs = session.rules()[session.dag().node(node).rule].outputs;
    const auto files = session.dag().outputs(node, session.rules());
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string path(session.dag().files.view(files[i]));
      if (!session.states().exists(files[i]) || (only_temp && !(outputs[i].flags & workflow::kTemp)))
        continue;
      if (os::is_write_protected(path)) {
        std::fprintf(stderr, "furrow: %s is write-protected and stays\n", path.c_str());
        continue;
      }
      std::printf("%s %s\n", only_say ? "Would remove" : "Removing", path.c_str());
      if (only_say) continue;
      if (auto done = os::remove_tree(path); !done) return report_error(done.error());
      ++removed;
    }
  }
  if (removed == 0 && !only_say) std::printf("Nothing to remove.\n");
  return 0;
}

}  // namespace furrow::cli
