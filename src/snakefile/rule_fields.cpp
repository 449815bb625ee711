#include "snakefile/rule_fields.hpp"

#include <memory>

#include "snakefile/frame_decoder.hpp"

namespace furrow::snakefile {

using text::member;
using text::view;

using workflow::Entry;
using workflow::Item;
using workflow::Param;

namespace {

workflow::FileFlags flag_named(std::string_view name) {
  if (name == "temp") return workflow::kTemp;
  if (name == "protected") return workflow::kProtected;
  if (name == "directory") return workflow::kDirectory;
  if (name == "ancient") return workflow::kAncient;
  if (name == "touch") return workflow::kTouch;
  if (name == "group_jobs") return workflow::kTogether;
  if (name == "remote") return workflow::kRemote;
  if (name == "update") return workflow::kUpdate;
  if (name == "before_update") return workflow::kBeforeUpdate;
  if (name == "pipe") return workflow::kPipe;
  if (name == "service") return workflow::kService;
  return 0;
}

workflow::Ensure read_ensure(Fields& fields, const text::JsonValue& ensure) {
  return {fields.flag(ensure, "non_empty"), fields.flag(ensure, "fn"), fields.text_or(ensure, "sha256", ""),
          fields.text_or(ensure, "sha1", ""), fields.text_or(ensure, "md5", "")};
}

// Null if VALUE has no checks.
std::shared_ptr<const workflow::Ensure> ensure_of(Fields& fields, const text::JsonValue& value) {
  const text::JsonValue* ensure = fields.object(value, "ensure");
  return ensure ? std::make_shared<const workflow::Ensure>(read_ensure(fields, *ensure)) : nullptr;
}

void read_item(Fields& fields, const text::JsonValue& value, Item& item) {
  if (value.IsString() && view(value).find('\0') == std::string_view::npos) {
    item.pattern = view(value);  // by far the most common case
    return;
  }
  const text::JsonValue* pattern = member(value, "p");
  if (!pattern) return fields.reject("items", "strings without zero bytes, or objects with \"p\"");
  item.pattern = fields.system_text_of(*pattern, "p");
  for (const std::string& name : fields.texts(value, "f")) {
    const workflow::FileFlags flag = flag_named(name);
    if (flag == 0) fields.reject("f", "known flags");
    item.flags |= flag;
  }
  if (fields.flag(value, "literal")) item.flags |= workflow::kLiteral;
  item.made_by = static_cast<std::uint32_t>(fields.small_integer(value, "by", -1));
  item.ensure = ensure_of(fields, value);
}

// Null if the param has a value.
std::shared_ptr<const workflow::ParamFailure> failure_of(const text::JsonValue& param) {
  const text::JsonValue* error = member(param, "error");
  if (!error) return nullptr;
  const text::JsonValue* type = member(*error, "type");
  const bool misses_file =
      type && type->IsString() && (view(*type) == "MissingInput" || view(*type) == "IncompleteCheckpoint");
  return std::make_shared<const workflow::ParamFailure>(
      workflow::ParamFailure{decode_error(*error), misses_file});
}

}  // namespace

Entry read_entry(Fields& fields, const text::JsonValue& value) {
  Entry entry;
  if (!value.IsObject()) {
    fields.reject("entry", "an object");
    return entry;
  }
  entry.name = fields.text_or(value, "name", "");
  entry.is_list = fields.flag(value, "list");
  entry.is_function = fields.flag(value, "fn");
  entry.waits = fields.flag(value, "waits");
  entry.is_open = fields.flag(value, "open");
  entry.line = fields.small_integer(value, "line", 0);
  if (const text::JsonValue* items = fields.array(value, "items")) {
    entry.items.resize(items->Size());
    for (rapidjson::SizeType i = 0; i < items->Size() && fields.ok(); ++i)
      read_item(fields, (*items)[i], entry.items[i]);
  } else if (!entry.is_function) {
    fields.reject("items", "a list");
  }
  return entry;
}

std::vector<Entry> read_entries(Fields& fields, const text::JsonValue& list) {
  std::vector<Entry> entries;
  entries.reserve(list.Size());
  for (const text::JsonValue& value : list.GetArray()) entries.push_back(read_entry(fields, value));
  return entries;
}

std::vector<Entry> entries_of(Fields& fields, const text::JsonValue& rule, const char* name) {
  const text::JsonValue* list = fields.array(rule, name);
  return list ? read_entries(fields, *list) : std::vector<Entry>();
}

std::vector<Param> params_of(Fields& fields, const text::JsonValue& object) {
  std::vector<Param> params;
  const text::JsonValue* list = fields.array(object, "params");
  if (!list) return params;
  params.reserve(list->Size());
  for (const text::JsonValue& value : list->GetArray()) {
    if (!value.IsObject()) fields.reject("params", "a list of objects");
    params.push_back({fields.text_or(value, "name", ""), fields.text_or(value, "text", ""),
                      fields.flag(value, "wild"), fields.flag(value, "fn"),
                      fields.small_integer(value, "line", 0), failure_of(value),
                      fields.small_integer(value, "for", -1)});
  }
  return params;
}

std::vector<workflow::Ensure> ensures_of(Fields& fields, const text::JsonValue& job) {
  std::vector<workflow::Ensure> checks;
  const text::JsonValue* list = fields.array(job, "ensure");
  if (!list) return checks;
  for (const text::JsonValue& value : list->GetArray()) {
    if (!value.IsObject()) fields.reject("ensure", "a list of objects");
    checks.push_back(read_ensure(fields, value));
  }
  return checks;
}

deploy::Environment environment_of(Fields& fields, const text::JsonValue* value) {
  using Kind = deploy::Environment::Kind;
  deploy::Environment environment;
  if (value == nullptr) return environment;
  environment.shown = fields.text(*value, "shown");
  environment.modules = fields.texts(*value, "modules");
  environment.image = fields.system_text_or(*value, "image", "");
  environment.is_containerized = fields.flag(*value, "containerized");
  environment.kind = environment.modules.empty() ? Kind::kNone : Kind::kModules;
  constexpr std::pair<const char*, Kind> kAddresses[] = {
      {"file", Kind::kCondaFile}, {"name", Kind::kCondaName}, {"folder", Kind::kCondaFolder}};
  for (const auto& [name, kind] : kAddresses) {
    if (text::member(*value, name) == nullptr) continue;
    environment.kind = kind;
    environment.address = fields.system_text_or(*value, name, "");
  }
  return environment;
}

workflow::ResourceValue resource_of(Fields& fields, const text::JsonValue& value, std::string_view name) {
  if (value.IsInt64()) return value.GetInt64();
  if (value.IsString()) return fields.text_of(value, name);
  if (fields.flag(value, "fn")) return workflow::FunctionValue{fields.small_integer(value, "line", 0)};
  fields.reject(name, "an integer, a string or a function");
  return std::int64_t{0};
}

std::vector<std::pair<std::string, workflow::ResourceValue>> resources_of(Fields& fields,
                                                                          const text::JsonValue& object) {
  std::vector<std::pair<std::string, workflow::ResourceValue>> resources;
  const text::JsonValue* members = fields.object(object, "resources");
  if (!members) return resources;
  for (const auto& entry : members->GetObject()) {
    if (entry.value.IsNull()) continue;
    std::string name(view(entry.name));
    workflow::ResourceValue value = resource_of(fields, entry.value, name);
    resources.emplace_back(std::move(name), std::move(value));
  }
  return resources;
}

}  // namespace furrow::snakefile
