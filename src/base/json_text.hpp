// Text as it stands between the quotes of a JSON string. Bytes that are not UTF-8 become U+FFFD, so that the
// result is valid JSON whatever a program has printed. Not thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace furrow {

// For text that comes in fragments, whose borders may lie within a character.
class JsonTextEscaper {
 public:
  // The escaped form of what is complete so far.
  std::string append(std::string_view fragment);
  // The rest: the text has ended, perhaps within a character.
  std::string finish();

 private:
  std::string rest_;  // the beginning of a character, three bytes at most
};

std::string json_text(std::string_view text);

}  // namespace furrow
