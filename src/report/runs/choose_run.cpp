#include "report/runs/choose_run.hpp"

#include "os/files/files.hpp"

namespace furrow::report {

namespace {

Error no_such_run(const std::vector<store::JournaledRun>& runs, const std::string& wanted) {
  std::string known;
  for (const store::JournaledRun& run : runs) known += (known.empty() ? "" : ", ") + run.run;
  return Error{
      "there is no run " + wanted, "", 0,
      known.empty() ? "No run is remembered." : "These are remembered, the last one last: " + known + "."};
}

}  // namespace

Result<const store::JournaledRun*> choose_run(const std::vector<store::JournaledRun>& runs,
                                              const std::string& wanted) {
  if (wanted.empty()) return runs.empty() ? nullptr : &runs.back();
  for (const store::JournaledRun& run : runs) {
    if (run.run.starts_with(wanted)) return &run;
  }
  return fail(no_such_run(runs, wanted));
}

Result<void> check_store(const std::string& folder) {
  const auto kind = os::status(folder).kind;
  if (kind == os::FileStatus::Kind::kDirectory && os::status(folder + "/furrow.db").exists()) return {};
  const std::string place = os::parent_of(folder).empty() ? "." : os::parent_of(folder);
  if (!os::status(place).exists()) return fail(Error{"there is no folder " + place});
  return fail(Error{"no workflow has run in " + os::absolute(place) + ": it has no store (.furrow/furrow.db)",
                    "", 0, "Name the folder in which furrow run works, the one of its --directory."});
}

}  // namespace furrow::report
