#include "report/crate/agents.hpp"

#include "report/crate/entity.hpp"
#include "report/crate/iri.hpp"

namespace furrow::report {

std::string Agents::person(const std::string& user) {
  if (user.empty()) return {};
  const std::string id = "#person/" + name_iri(user);
  if (!is_new(id)) return id;
  people_.push_back(id);
  Entity entity(id, {"Person"});
  add_(std::move(entity.text("name", user)).json());
  return id;
}

std::string Agents::machine(const std::string& host) {
  if (host.empty()) return {};
  const std::string id = "#host/" + name_iri(host);
  if (!is_new(id)) return id;
  Entity entity(id, {"Place"});
  add_(std::move(entity.text("name", host)).json());
  return id;
}

std::string Agents::engine(const std::string& version) {
  const std::string id = "#furrow/" + name_iri(version.empty() ? "unknown" : version);
  if (!is_new(id)) return id;
  Entity entity(id, {"SoftwareApplication"});
  entity.text("name", "Furrow").text("description", "Runs workflows in the language of Snakemake");
  add_(std::move(entity.text("softwareVersion", version)).json());
  return id;
}

}  // namespace furrow::report
