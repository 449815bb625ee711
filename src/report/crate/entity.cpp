#include "report/crate/entity.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>

#include "base/utf8.hpp"

namespace furrow::report {

Entity::Entity(std::string_view id, const std::vector<std::string_view>& types) {
  json_.StartObject();
  text::write_text(json_, "@id", id);
  json_.Key("@type");
  if (types.size() == 1) {
    text::write(json_, types.front());
  } else {
    json_.StartArray();
    for (const std::string_view type : types) text::write(json_, type);
    json_.EndArray();
  }
}

Entity& Entity::text(const char* name, std::string_view value) {
  if (!value.empty()) text::write_text(json_, name, valid_utf8(value));
  return *this;
}

Entity& Entity::texts(const char* name, const std::vector<std::string>& values) {
  json_.Key(name);
  json_.StartArray();
  for (const std::string& value : values) text::write(json_, valid_utf8(value));
  json_.EndArray();
  return *this;
}

Entity& Entity::whole(const char* name, std::int64_t value) {
  json_.Key(name);
  json_.Int64(value);
  return *this;
}

void Entity::write_ref(std::string_view id) {
  json_.StartObject();
  text::write_text(json_, "@id", id);
  json_.EndObject();
}

Entity& Entity::ref(const char* name, std::string_view id) {
  if (id.empty()) return *this;
  json_.Key(name);
  write_ref(id);
  return *this;
}

Entity& Entity::refs(const char* name, const std::vector<std::string>& ids) {
  json_.Key(name);
  json_.StartArray();
  for (const std::string& id : ids) write_ref(id);
  json_.EndArray();
  return *this;
}

std::string Entity::json() && {
  json_.EndObject();
  return {buffer_.GetString(), buffer_.GetSize()};
}

std::string iso_time(double at) {
  if (at <= 0) return {};
  const auto ms = static_cast<std::int64_t>(std::floor(at * 1000));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}+00:00", fmt::gmtime(static_cast<std::time_t>(ms / 1000)),
                     ms % 1000);
}

}  // namespace furrow::report
