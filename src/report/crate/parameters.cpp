#include "report/crate/parameters.hpp"

#include "report/crate/entity.hpp"
#include "report/crate/iri.hpp"

namespace furrow::report {

void Parameters::realize(const Parameter& parameter, const std::string& entity) {
  const bool is_new = places_.try_emplace(parameter.id, parameters_.size()).second;
  if (is_new) parameters_.push_back({parameter, entity});
}

std::string Parameters::add_value(Value value) {
  const std::string id = value.id;
  if (known_values_.try_emplace(id, values_.size()).second) values_.push_back(std::move(value));
  return id;
}

std::string Parameters::value(const Parameter& parameter, const std::string& value) {
  const std::string id =
      add_value({parameter.id + "/" + name_iri(value), parameter.name, value, parameter.id});
  realize(parameter, id);
  return id;
}

std::string Parameters::fact(const std::string& name, const std::string& value) {
  return add_value({"#" + name_iri(name) + "/" + name_iri(value), name, value, ""});
}

std::vector<std::string> Parameters::of(const std::string& owner, Direction direction) const {
  std::vector<std::string> ids;
  for (const Known& known : parameters_) {
    if (known.parameter.owner == owner && known.parameter.direction == direction)
      ids.push_back(known.parameter.id);
  }
  return ids;
}

void Parameters::write(const AddEntity& add) const {
  for (const auto& [parameter, example] : parameters_) {
    Entity entity(parameter.id, {"FormalParameter"});
    entity.text("name", parameter.name).text("additionalType", parameter.type).ref("workExample", example);
    add(std::move(entity).json());
  }
  for (const Value& value : values_) {
    Entity entity(value.id, {"PropertyValue"});
    entity.text("name", value.name);
    // An empty text is a value, too.
    value.value.empty() ? entity.texts("value", {""}) : entity.text("value", value.value);
    add(std::move(entity.ref("exampleOfWork", value.parameter)).json());
  }
}

}  // namespace furrow::report
