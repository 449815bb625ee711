#include "report/crate/workflow_entities.hpp"

#include "report/crate/container_image.hpp"
#include "report/crate/iri.hpp"
#include "report/crate/profiles.hpp"

namespace furrow::report {

std::string place_of(const RuleFacts& rule) {
  const std::string text = "Rule " + rule.name;
  return rule.file.empty() ? text : text + " of " + rule.file + ", line " + std::to_string(rule.line);
}

void WorkflowEntities::write(const AddEntity& add) {
  for (std::uint32_t rule = 0; rule < contents_.plan.rules.size(); ++rule) write_rule(add, rule);
  for (std::uint32_t at = 0; at < contents_.plan.workflows.size(); ++at) write_workflow(add, at);
}

void WorkflowEntities::write_workflow(const AddEntity& add, std::uint32_t number) {
  const PlannedWorkflow& workflow = contents_.plan.workflows[number];
  const std::string& id = contents_.id_of(workflow.snakefile);
  std::vector<std::string> tools, steps;
  for (const PlannedRule& rule : contents_.plan.rules) {
    if (rule.workflow != number) continue;
    tools.push_back(rule.tool);
    steps.push_back(rule.step);
  }
  Entity entity(id, {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"});
  files_.describe(entity, contents_.files.file_of(workflow.snakefile));
  entity.ref("conformsTo", kComputationalWorkflow)
      .ref("programmingLanguage", kSnakemake)
      .refs("input", parameters_.of(id, Direction::kInput))
      .refs("output", parameters_.of(id, Direction::kOutput))
      .refs("hasPart", tools)
      .refs("step", steps);
  add(std::move(entity).json());
}

void WorkflowEntities::write_rule(const AddEntity& add, std::uint32_t number) {
  const PlannedRule& rule = contents_.plan.rules[number];
  write_image(add, rule);
  const std::vector<std::string> software = write_software(add, rule);
  const std::string docstring = rule.facts.docstring.empty() ? "" : rule.facts.docstring + "\n";
  Entity tool(rule.tool, {"SoftwareApplication"});
  tool.text("name", rule.facts.name).text("description", docstring + place_of(rule.facts));
  if (rule.script) tool.ref("mainEntity", contents_.id_of(*rule.script));
  if (!software.empty()) tool.refs("softwareRequirements", software);
  tool.refs("input", parameters_.of(rule.tool, Direction::kInput));
  add(std::move(tool.refs("output", parameters_.of(rule.tool, Direction::kOutput))).json());
  Entity step(rule.step, {"HowToStep"});
  step.text("name", rule.facts.name);
  if (positions_[number] > 0) step.text("position", std::to_string(positions_[number]));
  if (rule.conda_file) step.ref("buildInstructions", contents_.id_of(*rule.conda_file));
  add(std::move(step.ref("workExample", rule.tool)).json());
}

std::string WorkflowEntities::image_of(const PlannedRule& rule) const {
  return rule.facts.image.empty() ? "" : "#image/" + name_iri(rule.facts.image);
}

void WorkflowEntities::write_image(const AddEntity& add, const PlannedRule& rule) {
  const std::string id = image_of(rule);
  if (id.empty() || !written_.insert(id).second) return;
  const ContainerImage image = container_image_of(rule.facts.image);
  Entity entity(id, {"ContainerImage"});
  entity.ref("additionalType", std::string(kImageTypes) + (image.is_file ? "SIFImage" : "DockerImage"))
      .text("registry", image.registry)
      .text("name", image.name)
      .text("tag", image.tag)
      .text("sha256", image.sha256);
  add(std::move(entity).json());
}

std::vector<std::string> WorkflowEntities::write_software(const AddEntity& add, const PlannedRule& rule) {
  std::vector<std::string> ids;
  const auto write_one = [&](const std::string& kind, const std::string& name) {
    ids.push_back("#software/" + name_iri(kind + " " + name));
    if (!written_.insert(ids.back()).second) return;
    const std::size_t slash = kind == "module" ? name.rfind('/') : std::string::npos;
    Entity entity(ids.back(), {"SoftwareApplication"});
    entity.text("name", slash == std::string::npos ? name : name.substr(0, slash));
    if (slash != std::string::npos) entity.text("softwareVersion", name.substr(slash + 1));
    add(std::move(entity.text("description", "An environment " + kind)).json());
  };
  for (const std::string& module : rule.facts.modules) write_one("module", module);
  if (!rule.facts.conda_name.empty()) write_one("of conda", rule.facts.conda_name);
  return ids;
}

}  // namespace furrow::report
