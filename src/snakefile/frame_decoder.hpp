// One message of the evaluator's: an answer, a question of its own, or word of a child; and errors in any of
// them (docs/design/evaluator-protocol.md). Whatever does not fit is an Error that says what was expected
// where; nothing a message holds can do worse.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "snakefile/json.hpp"

namespace furrow::snakefile {

// ERROR of the protocol. Anything that is none becomes an error that says so.
Error decode_error(const JsonValue& error);

// One frame of the evaluator.
struct Frame {
  enum class Kind : std::uint8_t { kAnswer, kAsk, kExit };
  Kind kind = Kind::kAnswer;
  std::uint64_t id = 0;              // of the request, the question, or the forked child's tag
  const JsonValue* ok = nullptr;     // kAnswer
  const JsonValue* error = nullptr;  // kAnswer, kExit; null where there is none
  std::string_view what{};           // kAsk
  int status = 0;                    // kExit: as wait() gives it
};
Result<Frame> decode_frame(const JsonValue& message);

struct GlobQuestion {
  std::string pattern;
  bool follow_links = false;
};
Result<GlobQuestion> decode_glob(const JsonValue& question);
Result<std::string> decode_yaml(const JsonValue& question);  // the path

}  // namespace furrow::snakefile
