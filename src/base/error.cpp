#include "base/error.hpp"

#include <cerrno>
#include <cstring>

namespace furrow {

std::string Error::to_string() const {
  std::string text;
  if (!file.empty()) {
    text += file;
    if (line > 0) text += ":" + std::to_string(line);
    text += ": ";
  }
  text += message;
  if (!detail.empty()) text += "\n" + detail;
  if (!hint.empty()) text += "\n  " + hint;
  return text;
}

Error system_error(const std::string& what) {
  const int code = errno;
  return Error{what + ": " + std::strerror(code)};
}

}  // namespace furrow
