// A compiled regular expression (PCRE2), to match a whole text or to search in one.
//
// Immutable once compiled; copies share the compiled code. Thread-safe: each thread has its own match data.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::text {

class Regex {
 public:
  // A text or an expression that is not valid UTF-8 is treated as bytes either way.
  enum class Encoding : std::uint8_t { kBytes, kUtf8 };

  // An expression to search for with find().
  static Result<Regex> compile(const std::string& expression);
  // An expression that must match a whole text, for match().
  static Result<Regex> compile_whole(const std::string& expression, Encoding encoding);

  // Whether the whole TEXT matches. GROUPS receives the texts that the groups _w0, _w1, ... matched, in the
  // order of their numbers; empty for a group that did not take part.
  bool match(std::string_view text, std::vector<std::string_view>& groups) const;

  struct Match {
    std::size_t begin, end;
    std::size_t group_end;  // where the first group ends; `begin` if there is none
  };
  // The first match at or after FROM. Empty also if PCRE2 gives up the search.
  std::optional<Match> find(std::string_view text, std::size_t from = 0) const;

  // The only text that EXPRESSION matches, if it has no operators; else empty.
  static std::optional<std::string> literal(std::string_view expression);

 private:
  struct Code;
  static Result<std::shared_ptr<Code>> compile_code(const std::string& expression, std::uint32_t options);

  std::shared_ptr<const Code> code_;
};

}  // namespace furrow::text
