// Any message of the evaluator becomes an answer or an error, never a crash. The first byte chooses between the
// raw bytes and JSON built from names that the decoder knows, which reaches deeper into it.
#include <cstdlib>

#include "bytes.hpp"
#include "snakefile/batch_decoder.hpp"
#include "snakefile/frame_decoder.hpp"
#include "snakefile/load_decoder.hpp"

namespace furrow::snakefile {
namespace {

constexpr const char* kNames[] = {"id",
                                  "ok",
                                  "error",
                                  "ask",
                                  "what",
                                  "event",
                                  "tag",
                                  "status",
                                  "type",
                                  "message",
                                  "file",
                                  "line",
                                  "hint",
                                  "rule",
                                  "traceback",
                                  "files",
                                  "workdir",
                                  "config",
                                  "rules",
                                  "ruleorder",
                                  "default_target",
                                  "localrules",
                                  "constraints",
                                  "hooks",
                                  "python",
                                  "executable",
                                  "version",
                                  "name",
                                  "kind",
                                  "checkpoint",
                                  "local",
                                  "docstring",
                                  "input",
                                  "output",
                                  "log",
                                  "benchmark",
                                  "params",
                                  "threads",
                                  "resources",
                                  "priority",
                                  "retries",
                                  "shadow",
                                  "code",
                                  "script",
                                  "list",
                                  "items",
                                  "p",
                                  "f",
                                  "ensure",
                                  "non_empty",
                                  "sha256",
                                  "literal",
                                  "fn",
                                  "unpack",
                                  "text",
                                  "wild",
                                  "jobs",
                                  "entries",
                                  "shell",
                                  "prefix",
                                  "argv",
                                  "env",
                                  "payload",
                                  "show",
                                  "fork",
                                  "pid",
                                  "pattern",
                                  "followlinks",
                                  "path",
                                  "answered",
                                  "before_update",
                                  "by",
                                  "command",
                                  "directory",
                                  "entry",
                                  "environment",
                                  "folder",
                                  "for",
                                  "given",
                                  "group",
                                  "group_jobs",
                                  "job",
                                  "limits",
                                  "md5",
                                  "module",
                                  "modules",
                                  "not_yet",
                                  "onerror",
                                  "onsuccess",
                                  "open",
                                  "pipe",
                                  "properties",
                                  "protected",
                                  "remote",
                                  "repeats",
                                  "resource_scopes",
                                  "service",
                                  "sha1",
                                  "shown",
                                  "touch",
                                  "uniform",
                                  "update",
                                  "waits"};
constexpr const char* kTexts[] = {"a",       "shell",      "run",     "script", "none", "temp",
                                  "ancient", "exit",       "glob",    "yaml",   "all",  "onstart",
                                  "{w}.txt", "{w,[a-z]+}", "minimal", "NotYet", ""};
constexpr const char* kNumbers[] = {
    "0", "1", "-1", "2147483648", "9223372036854775807", "18446744073709551615", "1.5", "1e300"};

void write_value(fuzz::Bytes& bytes, std::string& out, int depth);

void write_text(fuzz::Bytes& bytes, std::string& out) {
  out += '"';
  if (bytes.below(8) == 0) {
    for (const char c : bytes.text(bytes.below(12)))
      out += c == '"' || c == '\\' || static_cast<unsigned char>(c) < 32 ? '_' : c;
  } else {
    out += kTexts[bytes.below(std::size(kTexts))];
  }
  out += bytes.below(32) == 0 ? "\\u0000\"" : "\"";
}

void write_object(fuzz::Bytes& bytes, std::string& out, int depth) {
  out += '{';
  const std::size_t count = bytes.below(8);
  for (std::size_t i = 0; i < count; ++i) {
    out += std::string(i ? ",\"" : "\"") + kNames[bytes.below(std::size(kNames))] + "\":";
    write_value(bytes, out, depth + 1);
  }
  out += '}';
}

void write_list(fuzz::Bytes& bytes, std::string& out, int depth) {
  out += '[';
  const std::size_t count = bytes.below(5);
  for (std::size_t i = 0; i < count; ++i) {
    if (i) out += ',';
    write_value(bytes, out, depth + 1);
  }
  out += ']';
}

void write_value(fuzz::Bytes& bytes, std::string& out, int depth) {
  if (depth > 12 || bytes.empty()) {
    out += "null";
    return;
  }
  switch (bytes.below(9)) {
    case 0:
    case 1:
    case 2:
      return write_object(bytes, out, depth);
    case 3:
    case 4:
      return write_list(bytes, out, depth);
    case 5:
    case 6:
      return write_text(bytes, out);
    case 7:
      out += kNumbers[bytes.below(std::size(kNumbers))];
      return;
    default:
      out += bytes.below(2) ? "true" : "false";
  }
}

void check(bool claim) {
  if (!claim) std::abort();
}

template <class Answers>
void check_batch(const Answers& answers, std::size_t count) {
  check(answers.size() == count);
  for (const auto& answer : answers) check(answer || !answer.error().to_string().empty());
}

void decode_all(const text::JsonValue& value) {
  if (const auto frame = decode_frame(value); frame && frame->error)
    (void)decode_error(*frame->error).to_string();
  (void)decode_error(value).to_string();
  if (const auto answer = decode_load(value)) {
    for (const auto& rule : answer->snakefile.rules)
      check(!rule.file.empty() || !answer->snakefile.files.empty());
  }
  (void)decode_glob(value);
  (void)decode_yaml(value);
  const text::JsonValue* jobs = text::member(value, "jobs");
  const std::size_t count = jobs && jobs->IsArray() ? jobs->Size() : 2;
  check_batch(decode_inputs(value, count), count);
  std::vector<workflow::DetailQuestion> questions(count);
  for (std::size_t i = 0; i < count; ++i) questions[i].threads = i % 2;
  check_batch(decode_details(value, questions), count);
  check_batch(decode_preparations(value, std::vector<workflow::JobView>(count)), count);
}

}  // namespace
}  // namespace furrow::snakefile

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace furrow;
  fuzz::Bytes bytes(data, size);
  std::string json;
  const bool raw = bytes.byte() % 4 == 0;
  if (raw) {
    json = bytes.rest();
  } else {
    snakefile::write_value(bytes, json, 0);
  }
  const auto document = text::JsonDocument::parse(json, "the fuzzer");
  if (!document) return 0;
  snakefile::decode_all(document->root());
  // A decoded document can be written and parsed again.
  snakefile::check(text::JsonDocument::parse(text::to_text(document->root()), "its own text").has_value());
  return 0;
}
