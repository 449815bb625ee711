#include "snakefile/decoder.hpp"

#include <limits>

#include "base/strings.hpp"
#include "snakefile/encoder.hpp"
#include "snakefile/fields.hpp"

namespace furrow::snakefile {

using workflow::Entry;
using workflow::Item;
using workflow::Param;
using workflow::Rule;

namespace {

workflow::FileFlags flag_named(std::string_view name) {
  if (name == "temp") return workflow::kTemp;
  if (name == "protected") return workflow::kProtected;
  if (name == "directory") return workflow::kDirectory;
  if (name == "ancient") return workflow::kAncient;
  if (name == "touch") return workflow::kTouch;
  if (name == "group_jobs") return workflow::kTogether;
  return 0;
}

void read_item(Fields& fields, const JsonValue& value, Item& item) {
  if (value.IsString() && view(value).find('\0') == std::string_view::npos) {
    item.pattern = view(value);  // by far the most
    return;
  }
  const JsonValue* pattern = member(value, "p");
  if (!pattern) return fields.reject("items", "strings without zero bytes, or objects with \"p\"");
  item.pattern = fields.system_text_of(*pattern, "p");
  for (const std::string& name : fields.texts(value, "f")) {
    const workflow::FileFlags flag = flag_named(name);
    if (flag == 0) fields.reject("f", "flags that are known");
    item.flags |= flag;
  }
  if (fields.flag(value, "literal")) item.flags |= workflow::kLiteral;
  if (const JsonValue* ensure = fields.object(value, "ensure")) {
    item.ensure = std::make_shared<const workflow::Ensure>(
        workflow::Ensure{fields.flag(*ensure, "non_empty"), fields.text_or(*ensure, "sha256", ""),
                         fields.text_or(*ensure, "sha1", ""), fields.text_or(*ensure, "md5", "")});
  }
}

Entry read_entry(Fields& fields, const JsonValue& value) {
  Entry entry;
  if (!value.IsObject()) {
    fields.reject("entry", "an object");
    return entry;
  }
  entry.name = fields.text_or(value, "name", "");
  entry.is_list = fields.flag(value, "list");
  entry.is_function = fields.flag(value, "fn");
  entry.line = fields.small_integer(value, "line", 0);
  if (const JsonValue* items = fields.array(value, "items")) {
    entry.items.resize(items->Size());
    for (rapidjson::SizeType i = 0; i < items->Size() && fields.ok(); ++i)
      read_item(fields, (*items)[i], entry.items[i]);
  } else if (!entry.is_function) {
    fields.reject("items", "a list");
  }
  return entry;
}

std::vector<Entry> read_entries(Fields& fields, const JsonValue& list) {
  std::vector<Entry> entries;
  entries.reserve(list.Size());
  for (const JsonValue& value : list.GetArray()) entries.push_back(read_entry(fields, value));
  return entries;
}

std::vector<Entry> entries_of(Fields& fields, const JsonValue& rule, const char* name) {
  const JsonValue* list = fields.array(rule, name);
  return list ? read_entries(fields, *list) : std::vector<Entry>();
}

std::vector<Param> params_of(Fields& fields, const JsonValue& object) {
  std::vector<Param> params;
  const JsonValue* list = fields.array(object, "params");
  if (!list) return params;
  params.reserve(list->Size());
  for (const JsonValue& value : list->GetArray()) {
    if (!value.IsObject()) fields.reject("params", "a list of objects");
    params.push_back({fields.text_or(value, "name", ""), fields.text_or(value, "text", ""),
                      fields.flag(value, "wild"), fields.flag(value, "fn"),
                      fields.small_integer(value, "line", 0)});
  }
  return params;
}

workflow::ResourceValue resource_of(Fields& fields, const JsonValue& value, std::string_view name) {
  if (value.IsInt64()) return value.GetInt64();
  if (value.IsString()) return fields.text_of(value, name);
  if (fields.flag(value, "fn")) return workflow::FunctionValue{fields.small_integer(value, "line", 0)};
  fields.reject(name, "an integer, a string or a function");
  return std::int64_t{0};
}

std::vector<std::pair<std::string, workflow::ResourceValue>> resources_of(Fields& fields,
                                                                          const JsonValue& object) {
  std::vector<std::pair<std::string, workflow::ResourceValue>> resources;
  const JsonValue* members = fields.object(object, "resources");
  if (!members) return resources;
  for (const auto& entry : members->GetObject()) {
    if (entry.value.IsNull()) continue;
    std::string name(view(entry.name));
    workflow::ResourceValue value = resource_of(fields, entry.value, name);
    resources.emplace_back(std::move(name), std::move(value));
  }
  return resources;
}

// Those that are there already stay as they are.
void add_texts(Fields& fields, const JsonValue& object, const char* name,
               std::map<std::string, std::string>& texts) {
  const JsonValue* members = fields.object(object, name);
  if (!members) return;
  for (const auto& entry : members->GetObject()) {
    texts.emplace(view(entry.name), fields.text_of(entry.value, name));
  }
}

workflow::RuleKind kind_of(Fields& fields, const JsonValue& value) {
  const std::string name = fields.text(value, "kind");
  if (name == "shell") return workflow::RuleKind::kShell;
  if (name == "run") return workflow::RuleKind::kRun;
  if (name == "script") return workflow::RuleKind::kScript;
  if (name != "none") fields.reject("kind", "shell, run, script or none");
  return workflow::RuleKind::kNone;
}

// WHOLE is the answer that the rule stands in, FILES are those it counts.
Rule read_rule(Fields& fields, const JsonValue& value, const JsonValue& whole,
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
  if (const JsonValue* group = member(value, "group")) {
    rule.has_group_function = group->IsObject() && fields.flag(*group, "fn");
    if (!rule.has_group_function) rule.group = fields.text_of(*group, "group");
  }
  rule.has_message = fields.flag(value, "message");
  rule.docstring = fields.text_or(value, "docstring", "");
  rule.input = entries_of(fields, value, "input");
  rule.output = entries_of(fields, value, "output");
  rule.log = entries_of(fields, value, "log");
  if (const JsonValue* benchmark = member(value, "benchmark"))
    rule.benchmark.push_back(read_entry(fields, *benchmark));
  rule.params = params_of(fields, value);
  add_texts(fields, value, "constraints", rule.constraints);
  add_texts(fields, whole, "constraints", rule.constraints);
  if (const JsonValue* threads = member(value, "threads"))
    rule.threads = resource_of(fields, *threads, "threads");
  rule.resources = resources_of(fields, value);
  rule.priority = fields.small_integer(value, "priority", 0);
  if (member(value, "retries")) rule.retries = fields.small_integer(value, "retries", 0);
  rule.shadow = fields.text_or(value, "shadow", "");
  rule.code = fields.text_or(value, "code", "");
  rule.script = fields.text_or(value, "script", "");
  fields.set_place("");
  return rule;
}

void read_rule_order(Fields& fields, const JsonValue& answer, std::vector<std::vector<std::string>>& orders) {
  const JsonValue* list = fields.array(answer, "ruleorder");
  if (!list) return;
  for (const JsonValue& order : list->GetArray()) {
    std::vector<std::string> names;
    if (!order.IsArray()) return fields.reject("ruleorder", "a list of lists");
    for (const JsonValue& name : order.GetArray()) names.push_back(fields.text_of(name, "ruleorder"));
    orders.push_back(std::move(names));
  }
}

void mark_local_rules(Fields& fields, const JsonValue& answer, std::vector<Rule>& rules) {
  const std::vector<std::string> names = fields.texts(answer, "localrules");
  for (Rule& rule : rules) {
    for (const std::string& name : names) rule.is_local |= rule.name == name;
  }
}

void read_hooks(Fields& fields, const JsonValue& answer, workflow::Snakefile& snakefile) {
  for (const std::string& name : fields.texts(answer, "hooks")) {
    snakefile.has_onstart |= name == "onstart";
    snakefile.has_onsuccess |= name == "onsuccess";
    snakefile.has_onerror |= name == "onerror";
  }
}

// Calls READ for each answer of a batch of COUNT that is no error of its own; what it returns is the answer.
template <class Answer, class Read>
std::vector<Result<Answer>> decode_batch(const JsonValue& answer, std::size_t count, Read read) {
  std::vector<Result<Answer>> results;
  results.reserve(count);
  const JsonValue* jobs = member(answer, "jobs");
  if (!jobs || !jobs->IsArray() || jobs->Size() != count) {
    results.assign(
        count, fail("the evaluator's answer makes no sense: it must answer for " + count_of(count, "job")));
    return results;
  }
  for (rapidjson::SizeType i = 0; i < jobs->Size(); ++i) {
    const JsonValue& job = (*jobs)[i];
    if (const JsonValue* error = member(job, "error")) {
      results.push_back(fail(decode_error(*error)));
      continue;
    }
    Fields fields;
    if (!job.IsObject()) fields.reject("jobs", "a list of objects");
    Answer decoded = fields.ok() ? read(fields, job, i) : Answer();
    if (fields.ok()) {
      results.push_back(std::move(decoded));
    } else {
      results.push_back(fail(fields.take_error()));
    }
  }
  return results;
}

std::vector<std::vector<Entry>> read_function_entries(Fields& fields, const JsonValue& job) {
  std::vector<std::vector<Entry>> result;
  const JsonValue* lists = fields.array(job, "entries");
  if (!lists) {
    fields.reject("entries", "a list");
    return result;
  }
  for (const JsonValue& list : lists->GetArray()) {
    if (!list.IsArray()) {
      fields.reject("entries", "a list of lists");
      return result;
    }
    result.push_back(read_entries(fields, list));
    for (Entry& entry : result.back()) {
      if (entry.is_function) fields.reject("entries", "answered: a function's answer is no function");
      for (Item& item : entry.items) item.flags |= workflow::kLiteral;
    }
  }
  return result;
}

workflow::DetailAnswer read_details(Fields& fields, const JsonValue& job,
                                    const workflow::DetailQuestion& question) {
  workflow::DetailAnswer details;
  const auto required = [&](bool wanted, const char* name) {
    if (wanted && !member(job, name)) fields.reject(name, "answered");
  };
  required(question.threads, "threads");
  required(question.resources, "resources");
  required(question.params, "params");
  required(question.group, "group");
  details.group = fields.text_or(job, "group", "");
  details.threads = fields.integer(job, "threads", 1);
  details.resources = resources_of(fields, job);
  details.params = params_of(fields, job);
  for (const auto& [name, value] : details.resources) {
    if (std::holds_alternative<workflow::FunctionValue>(value)) fields.reject(name, "answered");
  }
  return details;
}

std::string system_text_or(Fields& fields, const JsonValue& object, const char* name,
                           std::string_view fallback) {
  const JsonValue* found = member(object, name);
  return found ? fields.system_text_of(*found, name) : std::string(fallback);
}

void read_program(Fields& fields, const JsonValue& job, plan::Launch& launch) {
  launch.kind = plan::Launch::Kind::kProgram;
  const JsonValue* argv = fields.array(job, "argv");
  if (!argv || argv->Empty()) return fields.reject("argv", "a list with a program");
  for (const JsonValue& argument : argv->GetArray())
    launch.argv.push_back(fields.system_text_of(argument, "argv"));
  if (const JsonValue* environment = fields.object(job, "env")) {
    for (const auto& entry : environment->GetObject()) {
      launch.environment.emplace_back(fields.system_text_of(entry.name, "env"),
                                      fields.system_text_of(entry.value, "env"));
    }
  }
  launch.scratch = system_text_or(fields, job, "payload", "");
  launch.command = system_text_or(fields, job, "show", "");
}

workflow::Preparation read_preparation(Fields& fields, const JsonValue& job, const workflow::JobView& view) {
  workflow::Preparation preparation;
  preparation.message = fields.text_or(job, "message", "");
  preparation.params = params_of(fields, job);
  plan::Launch& launch = preparation.launch;
  if (const JsonValue* command = member(job, "shell")) {
    launch.kind = plan::Launch::Kind::kShell;
    launch.command = fields.system_text_of(*command, "shell");
    launch.prefix = system_text_or(fields, job, "prefix", "");
    launch.executable = system_text_or(fields, job, "executable", "/bin/bash");
  } else if (member(job, "argv")) {
    read_program(fields, job, launch);
  } else if (fields.flag(job, "fork")) {
    launch.kind = plan::Launch::Kind::kFork;
    launch.payload = encode_job(view);
  }
  return preparation;
}

// The language's own errors explain themselves; a Python exception needs its name.
bool explains_itself(std::string_view type) {
  return type.empty() || type == "WorkflowError" || type == "NotYet" || type == "MissingInput" ||
         type == "WildcardError";
}

std::uint64_t number_of(Fields& fields, const JsonValue& value, const char* name) {
  if (value.IsUint64()) return value.GetUint64();
  fields.reject(name, "a number");
  return 0;
}

void read_exit(Fields& fields, const JsonValue& message, Frame& frame) {
  if (fields.text(message, "event") != "exit") fields.reject("event", "exit");
  frame.kind = Frame::Kind::kExit;
  const JsonValue* tag = member(message, "tag");
  if (tag) frame.id = number_of(fields, *tag, "tag");
  if (!tag || !member(message, "status")) fields.reject("event", "complete");
  frame.status = fields.small_integer(message, "status", 0);
}

}  // namespace

void read_environment(Fields& fields, const JsonValue& answer, LoadAnswer& result) {
  const JsonValue* changes = fields.object(answer, "environment");
  if (!changes) return;
  for (const auto& change : changes->GetObject()) {
    auto& [name, value] =
        result.environment.emplace_back(fields.system_text_of(change.name, "environment"), std::nullopt);
    if (!change.value.IsNull()) value = fields.system_text_of(change.value, "environment");
  }
}

Result<LoadAnswer> decode_load(const JsonValue& answer) {
  Fields fields;
  LoadAnswer result;
  workflow::Snakefile& snakefile = result.snakefile;
  const JsonValue* rules = fields.array(answer, "rules");
  if (!rules) fields.reject("rules", "a list");
  snakefile.files = fields.texts(answer, "files");
  snakefile.workdir = system_text_or(fields, answer, "workdir", "");
  snakefile.default_target = fields.text_or(answer, "default_target", "");
  for (rapidjson::SizeType i = 0; rules && i < rules->Size() && fields.ok(); ++i) {
    snakefile.rules.push_back(read_rule(fields, (*rules)[i], answer, snakefile.files));
  }
  read_rule_order(fields, answer, snakefile.rule_order);
  mark_local_rules(fields, answer, snakefile.rules);
  add_texts(fields, answer, "resource_scopes", snakefile.resource_scopes);
  read_hooks(fields, answer, snakefile);
  if (const JsonValue* config = member(answer, "config")) result.config = to_text(*config);
  if (const JsonValue* python = fields.object(answer, "python")) {
    result.python = fields.text_or(*python, "executable", "");
    result.python_version = fields.text_or(*python, "version", "");
  }
  result.overwritten_configfiles = fields.texts(answer, "overwritten_configfiles");
  read_environment(fields, answer, result);
  if (!fields.ok()) return fail(fields.take_error());
  return result;
}

std::vector<workflow::InputAnswer> decode_inputs(const JsonValue& answer, std::size_t count) {
  return decode_batch<std::vector<std::vector<Entry>>>(
      answer, count,
      [](Fields& fields, const JsonValue& job, std::size_t) { return read_function_entries(fields, job); });
}

std::vector<Result<workflow::DetailAnswer>> decode_details(
    const JsonValue& answer, std::span<const workflow::DetailQuestion> questions) {
  return decode_batch<workflow::DetailAnswer>(answer, questions.size(),
                                              [&](Fields& fields, const JsonValue& job, std::size_t i) {
                                                return read_details(fields, job, questions[i]);
                                              });
}

std::vector<Result<workflow::Preparation>> decode_preparations(const JsonValue& answer,
                                                               std::span<const workflow::JobView> jobs) {
  return decode_batch<workflow::Preparation>(answer, jobs.size(),
                                             [&](Fields& fields, const JsonValue& job, std::size_t i) {
                                               return read_preparation(fields, job, jobs[i]);
                                             });
}

std::vector<Result<workflow::SubmissionWords>> decode_submissions(const JsonValue& answer,
                                                                  std::size_t count) {
  return decode_batch<workflow::SubmissionWords>(
      answer, count, [](Fields& fields, const JsonValue& job, std::size_t) {
        return workflow::SubmissionWords{fields.text(job, "command"), fields.text(job, "properties")};
      });
}

Error decode_error(const JsonValue& error) {
  Fields fields;
  Error result;
  const std::string type = fields.text_or(error, "type", "");
  result.message = fields.text(error, "message");
  if (!explains_itself(type)) result.message = type + ": " + result.message;
  const std::string rule = fields.text_or(error, "rule", "");
  if (!rule.empty() && result.message.find("rule " + rule) == std::string::npos)
    result.message += " (in rule " + rule + ")";
  result.file = fields.text_or(error, "file", "");
  result.line = fields.small_integer(error, "line", 0);
  result.hint = fields.text_or(error, "hint", "");
  result.detail = join(fields.texts(error, "traceback"), "\n");
  return fields.ok() ? result : fields.take_error();
}

Result<Frame> decode_frame(const JsonValue& message) {
  Fields fields;
  Frame frame;
  if (!message.IsObject()) return fail("the evaluator's answer makes no sense: it must be an object");
  frame.error = member(message, "error");
  if (member(message, "event")) {
    read_exit(fields, message, frame);
  } else if (const JsonValue* ask = member(message, "ask")) {
    frame.kind = Frame::Kind::kAsk;
    frame.id = number_of(fields, *ask, "ask");
    const JsonValue* what = member(message, "what");
    if (what && what->IsString()) frame.what = view(*what);
    if (frame.what.empty()) fields.reject("what", "a string");
  } else if (const JsonValue* id = member(message, "id")) {
    frame.id = number_of(fields, *id, "id");
    frame.ok = member(message, "ok");
    if (!frame.ok && !frame.error) fields.reject("ok", "there, or \"error\"");
  } else {
    fields.reject("id", "there");
  }
  if (!fields.ok()) return fail(fields.take_error());
  return frame;
}

Result<GlobQuestion> decode_glob(const JsonValue& question) {
  Fields fields;
  GlobQuestion glob{fields.text(question, "pattern"), fields.flag(question, "followlinks")};
  if (!fields.ok()) return fail(fields.take_error());
  return glob;
}

Result<std::string> decode_yaml(const JsonValue& question) {
  Fields fields;
  std::string path = fields.text(question, "path");
  if (!fields.ok()) return fail(fields.take_error());
  return path;
}

}  // namespace furrow::snakefile
