// Decodes one message of the evaluator: an answer, a question of its own, or the report of a child; and
// errors in any of them (docs/design/evaluator-protocol.md). Any malformed value is an Error that says what
// was expected where; no message can do more harm than that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "text/json.hpp"

namespace furrow::snakefile {

// An ERROR of the protocol. A malformed one becomes an error that says so.
Error decode_error(const text::JsonValue& error);

// One frame of the evaluator.
struct Frame {
  enum class Kind : std::uint8_t { kAnswer, kAsk, kExit };
  Kind kind = Kind::kAnswer;
  std::uint64_t id = 0;                    // of the request, the question, or the forked child's tag
  const text::JsonValue* ok = nullptr;     // kAnswer
  const text::JsonValue* error = nullptr;  // kAnswer, kExit; null if there is none
  std::string_view what{};                 // kAsk
  int status = 0;                          // kExit: the status from wait()
};
Result<Frame> decode_frame(const text::JsonValue& message);

struct GlobQuestion {
  std::string pattern;
  bool follow_links = false;
};
Result<GlobQuestion> decode_glob(const text::JsonValue& question);
Result<std::string> decode_yaml(const text::JsonValue& question);  // the path

}  // namespace furrow::snakefile
