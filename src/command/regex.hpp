// A compiled PCRE2 pattern, as --colsep, --recstart and the strings of --plus need it: found anywhere in a
// text, which is taken as bytes.
//
// Not thread-safe: copies share what a match needs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace furrow::command {

struct Match {
  std::size_t begin, end;
  std::size_t group_end;  // where the first group ends; `begin` where there is none
};

class Regex {
 public:
  static Result<Regex> compile(const std::string& expression);
  std::optional<Match> find(std::string_view text, std::size_t from = 0) const;

  // The text that EXPRESSION matches and nothing else, if it has no operators; else nothing.
  static std::optional<std::string> literal(std::string_view expression);

 private:
  struct Code;
  std::shared_ptr<const Code> code_;
};

}  // namespace furrow::command
