#include "report/crate/crate.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "os/files/new_folder.hpp"
#include "os/files/replacing_file.hpp"
#include "report/crate/crate_files.hpp"
#include "report/crate/crate_graph.hpp"
#include "report/crate/crate_plan.hpp"
#include "report/crate/profiles.hpp"
#include "report/crate/run_history.hpp"

namespace furrow::report {

namespace {

constexpr std::size_t kBlock = 1 << 20;

// The texts of jobs whose run needs a variable that is not set here are hidden.
ShownTexts shown_texts(const RunHistory& history, CrateSummary& summary) {
  std::set<std::string> names;
  ShownTexts texts{Redactor({})};
  for (const HistoryRun& run : history.runs) {
    bool is_hidden = false;
    for (const std::string& name : run.workflow.envvars) {
      const bool is_new = names.insert(name).second;
      const bool is_unset = std::getenv(name.c_str()) == nullptr;
      is_hidden |= is_unset;
      if (is_unset && is_new) summary.unset_variables.push_back(name);
    }
    texts.are_hidden.push_back(is_hidden);
  }
  texts.redactor = Redactor::of_variables({names.begin(), names.end()});
  return texts;
}

void count_files(const CrateFiles& files, CrateSummary& summary) {
  for (const CrateFile& file : files.files()) {
    if (file.has_new_content) summary.new_sources.push_back(file.path);
    summary.skipped += file.skipped;
    if (file.is_folder) continue;
    summary.unreadable += !file.is_readable;
    summary.included += file.presence == Presence::kIncluded;
    summary.left_out += file.presence == Presence::kLeftOut && file.is_readable;
    summary.gone += file.presence == Presence::kGone;
    summary.changed += file.presence == Presence::kChanged;
    if (file.presence == Presence::kIncluded) summary.bytes += file.size;
  }
}

Result<void> write_metadata(const std::string& folder, const CrateContents& contents, const ShownTexts& texts,
                            const CrateAbout& about) {
  auto file = FURROW_TRY(os::ReplacingFile::create(folder + "/ro-crate-metadata.json"));
  std::string text = std::string("{\"@context\":") + kContext + ",\n\"@graph\":[\n";
  bool is_first = true;
  Result<void> written;
  write_graph(contents, texts, about, [&](const std::string& entity) {
    text.append(std::exchange(is_first, false) ? "" : ",\n").append(entity);
    if (text.size() < kBlock || !written) return;
    written = file->write(text);
    text.clear();
  });
  FURROW_TRY(std::move(written));
  FURROW_TRY(file->write(text + "\n]}\n"));
  return file->finish();
}

}  // namespace

Result<CrateSummary> write_crate(const CrateOptions& options) {
  const auto target = FURROW_TRY(os::NewFolder::create(options.target));
  const RunHistory history = FURROW_TRY(history_of(options.folder + "/.furrow", options.run));
  CrateFiles files({options.folder, target->place(), options.is_slim, options.threads});
  const CratePlan plan = FURROW_TRY(plan_crate(history, files));
  FURROW_TRY(files.look(options.stops));
  CrateSummary summary{.jobs = plan.jobs.size(), .running = plan.running, .damaged = history.damaged};
  const ShownTexts texts = shown_texts(history, summary);
  const CrateContents contents{history, plan, files};
  const std::string folder = options.folder.substr(options.folder.rfind('/') + 1);
  FURROW_TRY(write_metadata(target->place(), contents, texts,
                            {"Runs of the workflow in " + (folder.empty() ? "/" : folder), options.license,
                             options.made_at, options.is_slim}));
  count_files(files, summary);
  std::set<std::uint32_t> runs;
  for (const PlannedJob& job : plan.jobs) runs.insert(contents.job(job).run);
  summary.runs = runs.size();
  FURROW_TRY(target->finish());
  return summary;
}

}  // namespace furrow::report
