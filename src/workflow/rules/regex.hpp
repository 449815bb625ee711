// A compiled PCRE2 pattern, as the patterns of file names need it. Thread-safe once made.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::workflow {

class Regex {
 public:
  // Matches the whole text only. Texts are taken as UTF-8 where UTF is set, else, and where a text or
  // EXPRESSION is none, as bytes.
  static Result<Regex> compile(const std::string& expression, bool utf);

  // Fills GROUPS with what the groups named _w0, _w1, ... matched: as many as GROUPS has room for.
  bool match(std::string_view text, std::vector<std::string_view>& groups) const;

 private:
  struct Code;
  std::shared_ptr<const Code> code_;
};

}  // namespace furrow::workflow
