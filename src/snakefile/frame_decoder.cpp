#include "snakefile/frame_decoder.hpp"

#include "base/strings.hpp"
#include "snakefile/fields.hpp"

namespace furrow::snakefile {

using text::member;
using text::view;

namespace {

// Errors of the Snakefile language explain themselves; a Python exception needs its type's name.
bool explains_itself(std::string_view type) {
  return type.empty() || type == "WorkflowError" || type == "NotYet" || type == "MissingInput" ||
         type == "WildcardError";
}

std::uint64_t number_of(Fields& fields, const text::JsonValue& value, const char* name) {
  if (value.IsUint64()) return value.GetUint64();
  fields.reject(name, "a number");
  return 0;
}

void read_exit(Fields& fields, const text::JsonValue& message, Frame& frame) {
  if (fields.text(message, "event") != "exit") fields.reject("event", "exit");
  frame.kind = Frame::Kind::kExit;
  const text::JsonValue* tag = member(message, "tag");
  if (tag) frame.id = number_of(fields, *tag, "tag");
  if (!tag || !member(message, "status")) fields.reject("event", "given with a tag and a status");
  frame.status = fields.small_integer(message, "status", 0);
}

}  // namespace

Error decode_error(const text::JsonValue& error) {
  Fields fields;
  Error result;
  const std::string type = fields.text_or(error, "type", "");
  result.message = fields.text(error, "message");
  if (result.message.empty() && type.empty()) result.message = "an error without a message";
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

Result<Frame> decode_frame(const text::JsonValue& message) {
  Fields fields;
  Frame frame;
  if (!message.IsObject()) return fail("the evaluator's answer is malformed: it must be an object");
  frame.error = member(message, "error");
  if (member(message, "event")) {
    read_exit(fields, message, frame);
  } else if (const text::JsonValue* ask = member(message, "ask")) {
    frame.kind = Frame::Kind::kAsk;
    frame.id = number_of(fields, *ask, "ask");
    const text::JsonValue* what = member(message, "what");
    if (what && what->IsString()) frame.what = view(*what);
    if (frame.what.empty()) fields.reject("what", "a string");
  } else if (const text::JsonValue* id = member(message, "id")) {
    frame.id = number_of(fields, *id, "id");
    frame.ok = member(message, "ok");
    if (!frame.ok && !frame.error) fields.reject("ok", "given, or \"error\"");
  } else {
    fields.reject("id", "given");
  }
  if (!fields.ok()) return fail(fields.take_error());
  return frame;
}

Result<GlobQuestion> decode_glob(const text::JsonValue& question) {
  Fields fields;
  GlobQuestion glob{fields.text(question, "pattern"), fields.flag(question, "followlinks")};
  if (!fields.ok()) return fail(fields.take_error());
  return glob;
}

Result<std::string> decode_yaml(const text::JsonValue& question) {
  Fields fields;
  std::string path = fields.text(question, "path");
  if (!fields.ok()) return fail(fields.take_error());
  return path;
}

}  // namespace furrow::snakefile
