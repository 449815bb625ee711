#include "snakefile/load_decoder.hpp"

#include "snakefile/fields.hpp"
#include "snakefile/rule_fields.hpp"

namespace furrow::snakefile {

using text::member;
using text::to_text;
using text::view;

using workflow::Rule;

namespace {

// Adds the members of OBJECT's member NAME to TEXTS. Keys that are already there keep their values.
void add_texts(Fields& fields, const text::JsonValue& object, const char* name,
               std::map<std::string, std::string>& texts) {
  const text::JsonValue* members = fields.object(object, name);
  if (!members) return;
  for (const auto& entry : members->GetObject()) {
    texts.emplace(view(entry.name), fields.text_of(entry.value, name));
  }
}

workflow::RuleKind kind_of(Fields& fields, const text::JsonValue& value) {
  const std::string name = fields.text(value, "kind");
  if (name == "shell") return workflow::RuleKind::kShell;
  if (name == "run") return workflow::RuleKind::kRun;
  if (name == "script") return workflow::RuleKind::kScript;
  if (name != "none") fields.reject("kind", "shell, run, script or none");
  return workflow::RuleKind::kNone;
}

// WHOLE is the answer that holds the rule; FILES are the files to which it refers by index.
Rule read_rule(Fields& fields, const text::JsonValue& value, const text::JsonValue& whole,
               const std::vector<std::string>& files) {
  Rule rule;
  if (!value.IsObject()) {
    fields.reject("rules", "a list of objects");
    return rule;
  }
  rule.name = fields.text(value, "name");
  fields.set_place("rule " + rule.name);
  const std::int64_t file = fields.integer(value, "file", -1);
  if (file >= 0 && static_cast<std::size_t>(file) < files.size()) {
    rule.file = files[static_cast<std::size_t>(file)];
  } else {
    fields.reject("file", "one of the files");
  }
  rule.line = fields.small_integer(value, "line", 0);
  rule.kind = kind_of(fields, value);
  rule.is_checkpoint = fields.flag(value, "checkpoint");
  rule.is_local = fields.flag(value, "local");
  if (const text::JsonValue* group = member(value, "group")) {
    rule.has_group_function = group->IsObject() && fields.flag(*group, "fn");
    if (!rule.has_group_function) rule.group = fields.text_of(*group, "group");
  }
  rule.has_message = fields.flag(value, "message");
  rule.is_uniform = fields.flag(value, "uniform");
  rule.is_reported = fields.flag(value, "report");
  rule.docstring = fields.text_or(value, "docstring", "");
  rule.input = entries_of(fields, value, "input");
  rule.output = entries_of(fields, value, "output");
  rule.log = entries_of(fields, value, "log");
  if (const text::JsonValue* benchmark = member(value, "benchmark"))
    rule.benchmark.push_back(read_entry(fields, *benchmark));
  rule.params = params_of(fields, value);
  add_texts(fields, value, "constraints", rule.constraints);
  if (!fields.flag(value, "module")) add_texts(fields, whole, "constraints", rule.constraints);
  if (const text::JsonValue* threads = member(value, "threads"))
    rule.threads = resource_of(fields, *threads, "threads");
  rule.resources = resources_of(fields, value);
  if (const text::JsonValue* priority = member(value, "priority")) {
    rule.has_priority_function = priority->IsObject() && fields.flag(*priority, "fn");
    if (!rule.has_priority_function) rule.priority = fields.small_integer(value, "priority", 0);
  }
  if (member(value, "retries")) rule.retries = fields.small_integer(value, "retries", 0);
  rule.repeats = fields.small_integer(value, "repeats", 1);
  rule.shadow = fields.text_or(value, "shadow", "");
  rule.code = fields.text_or(value, "code", "");
  rule.script = fields.text_or(value, "script", "");
  rule.not_yet = fields.text_or(value, "not_yet", "");
  if (const text::JsonValue* environment = fields.object(value, "environment")) {
    rule.has_environment_function = fields.flag(*environment, "fn");
    rule.environment = environment_of(fields, environment);
  }
  fields.set_place("");
  return rule;
}

void read_rule_order(Fields& fields, const text::JsonValue& answer,
                     std::vector<std::vector<std::string>>& orders) {
  const text::JsonValue* list = fields.array(answer, "ruleorder");
  if (!list) return;
  for (const text::JsonValue& order : list->GetArray()) {
    std::vector<std::string> names;
    if (!order.IsArray()) return fields.reject("ruleorder", "a list of lists");
    for (const text::JsonValue& name : order.GetArray()) names.push_back(fields.text_of(name, "ruleorder"));
    orders.push_back(std::move(names));
  }
}

void mark_local_rules(Fields& fields, const text::JsonValue& answer, std::vector<Rule>& rules) {
  const std::vector<std::string> names = fields.texts(answer, "localrules");
  for (Rule& rule : rules) {
    for (const std::string& name : names) rule.is_local |= rule.name == name;
  }
}

void read_limits(Fields& fields, const text::JsonValue& answer, workflow::Snakefile& snakefile) {
  const text::JsonValue* limits = fields.object(answer, "limits");
  if (!limits) return;
  for (const auto& limit : limits->GetObject()) {
    const std::string name(view(limit.name));
    snakefile.limits[name] = fields.integer(*limits, name.c_str(), 0);
  }
}

void read_hooks(Fields& fields, const text::JsonValue& answer, workflow::Snakefile& snakefile) {
  for (const std::string& name : fields.texts(answer, "hooks")) {
    snakefile.has_onstart |= name == "onstart";
    snakefile.has_onsuccess |= name == "onsuccess";
    snakefile.has_onerror |= name == "onerror";
  }
}

void read_environment(Fields& fields, const text::JsonValue& answer, LoadAnswer& result) {
  const text::JsonValue* changes = fields.object(answer, "environment");
  if (!changes) return;
  for (const auto& change : changes->GetObject()) {
    auto& [name, value] =
        result.environment.emplace_back(fields.system_text_of(change.name, "environment"), std::nullopt);
    if (!change.value.IsNull()) value = fields.system_text_of(change.value, "environment");
  }
}

}  // namespace

Result<LoadAnswer> decode_load(const text::JsonValue& answer) {
  Fields fields;
  LoadAnswer result;
  workflow::Snakefile& snakefile = result.snakefile;
  const text::JsonValue* rules = fields.array(answer, "rules");
  if (!rules) fields.reject("rules", "a list");
  snakefile.files = fields.texts(answer, "files");
  snakefile.workdir = fields.system_text_or(answer, "workdir", "");
  snakefile.default_target = fields.text_or(answer, "default_target", "");
  for (rapidjson::SizeType i = 0; rules && i < rules->Size() && fields.ok(); ++i) {
    snakefile.rules.push_back(read_rule(fields, (*rules)[i], answer, snakefile.files));
  }
  read_rule_order(fields, answer, snakefile.rule_order);
  mark_local_rules(fields, answer, snakefile.rules);
  add_texts(fields, answer, "resource_scopes", snakefile.resource_scopes);
  read_limits(fields, answer, snakefile);
  read_hooks(fields, answer, snakefile);
  if (const text::JsonValue* config = member(answer, "config")) result.config = to_text(*config);
  if (const text::JsonValue* python = fields.object(answer, "python")) {
    result.python = fields.text_or(*python, "executable", "");
    result.python_version = fields.text_or(*python, "version", "");
  }
  result.overwritten_configfiles = fields.texts(answer, "overwritten_configfiles");
  snakefile.config_files = fields.texts(answer, "configfiles");
  snakefile.envvars = fields.texts(answer, "envvars");
  read_environment(fields, answer, result);
  if (!fields.ok()) return fail(fields.take_error());
  return result;
}

}  // namespace furrow::snakefile
