#include "cli/run/expand_variables.hpp"

#include <cctype>
#include <cstdlib>

namespace furrow::cli {

std::string expand_variables(const std::string& text) {
  std::string expanded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool braced = text.compare(i, 2, "${") == 0;
    const std::size_t begin = i + (braced ? 2 : 1);
    std::size_t end = begin;
    if (text[i] == '$') {
      while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
        ++end;
    }
    const bool is_whole = !braced || (end < text.size() && text[end] == '}');
    const char* const value =
        end > begin && is_whole ? std::getenv(text.substr(begin, end - begin).c_str()) : nullptr;
    if (!value) {
      expanded += text[i];
      continue;
    }
    expanded += value;
    i = braced ? end : end - 1;
  }
  return expanded;
}

}  // namespace furrow::cli
