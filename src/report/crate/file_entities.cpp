#include "report/crate/file_entities.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "report/crate/file_types.hpp"
#include "report/crate/profiles.hpp"

namespace furrow::report {

namespace {

const char* presence_of(const CrateFile& file) {
  if (!file.is_readable) return "Not included: it could not be read.";
  switch (file.presence) {
    case Presence::kIncluded:
      return "";
    case Presence::kLeftOut:
      return "Not included.";
    case Presence::kGone:
      return "Not included: it is no longer there.";
    case Presence::kChanged:
      return "Not included: it has changed since.";
  }
  return "";
}

std::string state_of(const CrateFile& file) {
  std::string text = presence_of(file);
  const auto add = [&](const std::string& sentence) { text += (text.empty() ? "" : " ") + sentence; };
  if (file.has_new_content) add("It has changed since the run; this is how it is now.");
  if (file.skipped > 0)
    add(count_of(file.skipped, "name") +
        " in it left out: links to folders, special files, or what cannot be read.");
  return text;
}

}  // namespace

FileEntities::FileEntities(const CrateContents& contents, Parameters& parameters)
    : contents_(contents), parameters_(parameters), realized_(contents.files.files().size()) {
  for (const PlannedWorkflow& workflow : contents.plan.workflows) {
    const std::string& id = contents.id_of(workflow.snakefile);
    note(workflow.snakefile, Role::kWorkflow, id);
    for (const std::uint32_t version : workflow.included) note(version, Role::kIncluded, id);
  }
  for (const PlannedRule& rule : contents.plan.rules) {
    if (rule.script) note(*rule.script, Role::kScript, "");
    if (rule.conda_file) note(*rule.conda_file, Role::kConda, "");
  }
}

void FileEntities::note(std::uint32_t version, Role role, const std::string& workflow) {
  sources_.try_emplace(contents_.files.file_of(version), Source{role, workflow});
}

void FileEntities::realize(const std::string& owner, const std::string& prefix, Direction direction,
                           const std::vector<std::uint32_t>& versions) {
  const std::string name = direction == Direction::kInput ? "input" : "output";
  for (const std::uint32_t version : versions) {
    const CrateFile& file = contents_.file(version);
    const Parameters::Parameter parameter{owner, direction, prefix + name + (file.is_folder ? "-folder" : ""),
                                          file.is_folder ? name + " folder" : name,
                                          file.is_folder ? "Dataset" : "File"};
    parameters_.realize(parameter, file.id);
    std::vector<std::string>& of_file = realized_[contents_.files.file_of(version)];
    if (std::find(of_file.begin(), of_file.end(), parameter.id) == of_file.end())
      of_file.push_back(parameter.id);
  }
}

void FileEntities::describe(Entity& entity, std::uint32_t number) const {
  const CrateFile& file = contents_.files.files()[number];
  entity.text("name", file.path).text("description", state_of(file));
  if (!file.is_folder) {
    if (file.size >= 0) entity.text("contentSize", std::to_string(file.size));
    entity.text("sha256", file.sha256).text("encodingFormat", media_type_of(file.path));
  }
  entity.text("dateModified", iso_time(static_cast<double>(file.mtime_ns) / 1e9));
  if (file.place.empty()) entity.text("localPath", file.path);
  if (!file.place.empty() && file.place != file.path) entity.text("alternateName", file.path);
  if (!realized_[number].empty()) entity.refs("exampleOfWork", realized_[number]);
}

void FileEntities::write_one(const AddEntity& add, std::uint32_t number) const {
  const CrateFile& file = contents_.files.files()[number];
  const auto source = sources_.find(number);
  const bool is_source = source != sources_.end();
  if (is_source && source->second.role == Role::kWorkflow) return;
  std::vector<std::string_view> types{file.is_folder ? "Dataset" : "File"};
  if (is_source && source->second.role != Role::kConda) types.push_back("SoftwareSourceCode");
  Entity entity(file.id, types);
  describe(entity, number);
  if (is_source) entity.ref("isPartOf", source->second.workflow);
  if (is_source && source->second.role == Role::kConda) entity.ref("conformsTo", kCondaFiles);
  if (!file.parts.empty()) {
    std::vector<std::string> parts;
    for (const std::uint32_t part : file.parts) parts.push_back(contents_.files.files()[part].id);
    entity.refs("hasPart", parts);
  }
  add(std::move(entity).json());
}

void FileEntities::write(const AddEntity& add) const {
  for (std::uint32_t at = 0; at < contents_.files.files().size(); ++at) write_one(add, at);
}

}  // namespace furrow::report
