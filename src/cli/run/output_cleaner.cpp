#include "cli/run/output_cleaner.hpp"

#include <cstdio>

#include "base/printable.hpp"
#include "cli/report_error.hpp"
#include "workflow/jobs/removal.hpp"

namespace furrow::cli {

namespace {

const char* why_it_stays(workflow::Verdict verdict, const std::string& path) {
  if (verdict == workflow::Verdict::kProtected) return "is write-protected";
  if (verdict != workflow::Verdict::kGoesIfEmpty) return nullptr;
  const auto entries = os::list_directory(path);
  return entries && entries->empty() ? nullptr : "is a folder with files in it, where a file is declared,";
}

}  // namespace

int delete_outputs(WorkflowSession& session, bool only_temp) {
  std::size_t removed = 0;
  const bool only_say = session.options().dry_run;
  for (const workflow::NodeId node : session.dag().order()) {
    const auto& outputs = session.rules()[session.dag().node(node).rule].outputs;
    const auto files = session.dag().outputs(node, session.rules());
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string path(session.dag().files.view(files[i]));
      if (only_temp && !(outputs[i].flags & workflow::kTemp)) continue;
      const auto verdict = workflow::judge(workflow::Occasion::kRequest, outputs[i].flags, os::status(path));
      if (verdict == workflow::Verdict::kStays) continue;
      if (const char* const reason = why_it_stays(verdict, path)) {
        print_message(stderr, "furrow: " + one_line(path) + " " + reason + " and stays");
        continue;
      }
      print_message(stdout, (only_say ? "Would remove " : "Removing ") + path);
      if (only_say) continue;
      if (auto done = os::remove_tree(path); !done) return report_error(done.error());
      ++removed;
    }
  }
  if (removed == 0 && !only_say) std::printf("Nothing to remove.\n");
  return 0;
}

}  // namespace furrow::cli
