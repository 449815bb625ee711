#include "report/crate/crate_graph.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "report/crate/agents.hpp"
#include "report/crate/entity.hpp"
#include "report/crate/file_entities.hpp"
#include "report/crate/makers.hpp"
#include "report/crate/profiles.hpp"
#include "report/crate/run_entities.hpp"
#include "report/crate/workflow_entities.hpp"

namespace furrow::report {

namespace {

bool is_address(const std::string& license) {
  return (license.starts_with("http://") || license.starts_with("https://")) &&
         std::all_of(license.begin(), license.end(), [](char c) {
           return c > ' ' && c < '\x7f' && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
         });
}

void write_head(const CrateAbout& about, const AddEntity& add) {
  Entity descriptor("ro-crate-metadata.json", {"CreativeWork"});
  add(std::move(descriptor.ref("about", "./").refs("conformsTo", {kCrateProfile, kWorkflowProfile})).json());
  for (const Profile& profile : kProfiles) {
    Entity entity(profile.id, {"CreativeWork"});
    add(std::move(entity.text("name", profile.name).text("version", profile.version)).json());
  }
  Entity language(kSnakemake, {"ComputerLanguage"});
  add(std::move(language.text("name", "Snakemake")
                    .ref("identifier", "https://doi.org/10.1093/bioinformatics/bts480")
                    .ref("url", "https://snakemake.readthedocs.io"))
          .json());
  if (is_address(about.license)) {
    Entity license(about.license, {"CreativeWork"});
    add(std::move(license.text("name", about.license)).json());
  }
}

std::vector<std::string> parts_of(const CrateContents& contents) {
  std::vector<std::string> parts;
  for (const CrateFile& file : contents.files.files()) {
    if (!file.is_part) parts.push_back(file.id);
  }
  return parts;
}

std::vector<std::string> actions_of(const CrateContents& contents) {
  std::vector<std::string> actions;
  std::set<std::uint32_t> runs;
  for (const PlannedJob& job : contents.plan.jobs) runs.insert(contents.job(job).run);
  for (const std::uint32_t run : runs) {
    actions.push_back(RunEntities::workflow_id(contents.history.runs[run]));
    actions.push_back(RunEntities::engine_id(contents.history.runs[run]));
  }
  for (const PlannedJob& job : contents.plan.jobs) actions.push_back(job.id);
  return actions;
}

void write_root(const CrateContents& contents, const CrateAbout& about,
                const std::vector<std::string>& people, const AddEntity& add) {
  Entity root("./", {"Dataset"});
  std::vector<std::string> profiles;
  for (const Profile& profile : kProfiles) profiles.push_back(profile.id);
  root.text("name", about.name)
      .text("description",
            "What runs of a workflow did: each job with its inputs, outputs, command, times and software." +
                std::string(about.is_slim ? " The data is not included." : ""))
      .text("datePublished", iso_time(about.made_at))
      .refs("conformsTo", profiles)
      .refs("author", people)
      .ref("mainEntity", contents.id_of(contents.plan.workflows.front().snakefile));
  if (is_address(about.license)) {
    root.ref("license", about.license);
  } else {
    root.text("license", about.license.empty() ? "No license is stated." : about.license);
  }
  root.refs("hasPart", parts_of(contents)).refs("mentions", actions_of(contents));
  add(std::move(root).json());
}

}  // namespace

void write_graph(const CrateContents& contents, const ShownTexts& texts, const CrateAbout& about,
                 const AddEntity& add) {
  const Makers makers(contents);
  Parameters parameters;
  FileEntities files(contents, parameters);
  Agents agents(add);
  WorkflowEntities workflows(contents, makers, parameters, files);
  JobEntities jobs(contents, parameters, files, agents, workflows, texts);
  RunEntities runs(contents, makers, parameters, files, agents);
  write_head(about, add);
  for (const PlannedJob& job : contents.plan.jobs) jobs.write(add, job);
  runs.write(add);
  // What has values is known from here on.
  workflows.write(add);
  parameters.write(add);
  files.write(add);
  write_root(contents, about, agents.people(), add);
}

}  // namespace furrow::report
