#include "snakefile/batch_decoder.hpp"

#include "base/strings.hpp"
#include "snakefile/encoder.hpp"
#include "snakefile/fields.hpp"
#include "snakefile/frame_decoder.hpp"
#include "snakefile/rule_fields.hpp"

namespace furrow::snakefile {

using text::member;

using workflow::Entry;
using workflow::Item;

namespace {

// Decodes a batch of COUNT answers with READ. An answer that is an error becomes an error of its job alone.
template <class Answer, class Read>
std::vector<Result<Answer>> decode_batch(const text::JsonValue& answer, std::size_t count, Read read) {
  std::vector<Result<Answer>> results;
  results.reserve(count);
  const text::JsonValue* jobs = member(answer, "jobs");
  if (!jobs || !jobs->IsArray() || jobs->Size() != count) {
    results.assign(count,
                   fail("the evaluator's answer is malformed: it must answer for " + count_of(count, "job")));
    return results;
  }
  for (rapidjson::SizeType i = 0; i < jobs->Size(); ++i) {
    const text::JsonValue& job = (*jobs)[i];
    if (const text::JsonValue* error = member(job, "error")) {
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

std::vector<std::vector<Entry>> read_function_entries(Fields& fields, const text::JsonValue& job) {
  std::vector<std::vector<Entry>> result;
  const text::JsonValue* lists = fields.array(job, "entries");
  if (!lists) {
    fields.reject("entries", "a list");
    return result;
  }
  for (const text::JsonValue& list : lists->GetArray()) {
    if (!list.IsArray()) {
      fields.reject("entries", "a list of lists");
      return result;
    }
    result.push_back(read_entries(fields, list));
    for (Entry& entry : result.back()) {
      if (entry.is_function) fields.reject("entries", "answered: a function may not answer with a function");
      if (entry.waits && entry.items.size() != 1) fields.reject("items", "one file of the checkpoint");
      for (Item& item : entry.items) item.flags |= workflow::kLiteral;
    }
  }
  return result;
}

workflow::DetailAnswer read_details(Fields& fields, const text::JsonValue& job,
                                    const workflow::DetailQuestion& question) {
  workflow::DetailAnswer details;
  const auto required = [&](bool wanted, const char* name) {
    if (wanted && !member(job, name)) fields.reject(name, "answered");
  };
  required(question.threads, "threads");
  required(question.resources, "resources");
  required(question.params, "params");
  required(question.group, "group");
  required(question.priority, "priority");
  required(question.ensure, "ensure");
  details.ensure = ensures_of(fields, job);
  details.environment = environment_of(fields, fields.object(job, "environment"));
  details.priority = fields.small_integer(job, "priority", 0);
  details.group = fields.text_or(job, "group", "");
  details.threads = fields.integer(job, "threads", 1);
  details.resources = resources_of(fields, job);
  details.params = params_of(fields, job);
  for (const auto& [name, value] : details.resources) {
    if (std::holds_alternative<workflow::FunctionValue>(value)) fields.reject(name, "answered");
  }
  return details;
}

void read_program(Fields& fields, const text::JsonValue& job, plan::Launch& launch) {
  launch.kind = plan::Launch::Kind::kProgram;
  const text::JsonValue* argv = fields.array(job, "argv");
  if (!argv || argv->Empty()) return fields.reject("argv", "a list with a program");
  for (const text::JsonValue& argument : argv->GetArray())
    launch.argv.push_back(fields.system_text_of(argument, "argv"));
  if (const text::JsonValue* environment = fields.object(job, "env")) {
    for (const auto& entry : environment->GetObject()) {
      launch.environment.emplace_back(fields.system_text_of(entry.name, "env"),
                                      fields.system_text_of(entry.value, "env"));
    }
  }
  launch.scratch = fields.system_text_or(job, "payload", "");
  launch.command = fields.system_text_or(job, "show", "");
}

workflow::Preparation read_preparation(Fields& fields, const text::JsonValue& job,
                                       const workflow::JobView& view) {
  workflow::Preparation preparation;
  preparation.message = fields.text_or(job, "message", "");
  preparation.params = params_of(fields, job);
  if (member(job, "environment"))
    preparation.environment = environment_of(fields, fields.object(job, "environment"));
  plan::Launch& launch = preparation.launch;
  if (const text::JsonValue* command = member(job, "shell")) {
    launch.kind = plan::Launch::Kind::kShell;
    launch.command = fields.system_text_of(*command, "shell");
    launch.prefix = fields.system_text_or(job, "prefix", "");
    launch.executable = fields.system_text_or(job, "executable", "/bin/bash");
  } else if (member(job, "argv")) {
    read_program(fields, job, launch);
  } else if (fields.flag(job, "fork")) {
    launch.kind = plan::Launch::Kind::kFork;
    launch.payload = encode_job(view);
  } else {
    launch.command = fields.system_text_or(job, "show", "");  // of a description
  }
  if (const text::JsonValue* folders = fields.array(job, "folders")) {
    for (const text::JsonValue& folder : folders->GetArray())
      preparation.folders.push_back(fields.system_text_of(folder, "folders"));
  }
  return preparation;
}

}  // namespace

std::vector<workflow::InputAnswer> decode_inputs(const text::JsonValue& answer, std::size_t count) {
  return decode_batch<std::vector<std::vector<Entry>>>(
      answer, count, [](Fields& fields, const text::JsonValue& job, std::size_t) {
        return read_function_entries(fields, job);
      });
}

std::vector<Result<workflow::DetailAnswer>> decode_details(
    const text::JsonValue& answer, std::span<const workflow::DetailQuestion> questions) {
  return decode_batch<workflow::DetailAnswer>(answer, questions.size(),
                                              [&](Fields& fields, const text::JsonValue& job, std::size_t i) {
                                                return read_details(fields, job, questions[i]);
                                              });
}

std::vector<Result<workflow::Preparation>> decode_preparations(const text::JsonValue& answer,
                                                               std::span<const workflow::JobView> jobs) {
  return decode_batch<workflow::Preparation>(answer, jobs.size(),
                                             [&](Fields& fields, const text::JsonValue& job, std::size_t i) {
                                               return read_preparation(fields, job, jobs[i]);
                                             });
}

std::vector<Result<workflow::SubmissionWords>> decode_submissions(const text::JsonValue& answer,
                                                                  std::size_t count) {
  return decode_batch<workflow::SubmissionWords>(
      answer, count, [](Fields& fields, const text::JsonValue& job, std::size_t) {
        return workflow::SubmissionWords{fields.text(job, "command"), fields.text(job, "properties")};
      });
}

}  // namespace furrow::snakefile
