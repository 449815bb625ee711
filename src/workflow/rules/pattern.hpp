// A file name with wildcards: "counts/{sample}.{kind,txt|tsv}".
//
// A wildcard matches one or more characters (its constraint, if it has one), greedily, and the pattern
// matches whole names only; a wildcard that comes again must match the same text again. Immutable once
// parsed; thread-safe.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "workflow/rules/regex.hpp"

namespace furrow::workflow {

using Constraints = std::map<std::string, std::string>;

class Pattern {
 public:
  // CONSTRAINTS hold for wildcards that have none in the text itself. LITERAL: braces are part of the name.
  static Result<Pattern> parse(std::string_view text, const Constraints& constraints, bool literal = false);

  const std::string& text() const { return text_; }                         // as written
  const std::vector<std::string>& wildcards() const { return wildcards_; }  // distinct, by first appearance
  bool is_literal() const { return wildcards_.empty(); }
  std::string_view prefix() const;  // what every match begins with
  std::string_view suffix() const;  // and ends with

  // VALUES become the wildcards' values, views into NAME.
  bool match(std::string_view name, std::vector<std::string_view>& values) const;

  // The name for these values, which are in order of wildcards(); appended to OUT.
  void fill(std::span<const std::string_view> values, std::string& out) const;

 private:
  struct Piece {
    std::string literal;  // comes before the wildcard
    int wildcard;         // index; -1 after the last
  };

  std::string text_;
  std::vector<std::string> wildcards_;
  std::vector<Piece> pieces_;
  std::optional<Regex> regex_;  // none where comparing beginning and end is enough
};

// A text that mentions wildcards without being a file name: params, the workflow's strings. Unknown names are
// left as they are.
std::string fill_wildcards(std::string_view text, const std::vector<std::string>& names,
                           std::span<const std::string_view> values);

}  // namespace furrow::workflow
