// A file name with wildcards: "counts/{sample}.{kind,txt|tsv}".
//
// A wildcard matches one or more characters, or its constraint if it has one, greedily. The pattern matches
// whole names only, and a repeated wildcard must match the same text each time. Immutable once parsed;
// thread-safe.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "text/regex.hpp"

namespace furrow::workflow {

using Constraints = std::map<std::string, std::string>;

class Pattern {
 public:
  // CONSTRAINTS apply to wildcards that have none in TEXT itself. LITERAL: braces are part of the name.
  static Result<Pattern> parse(std::string_view text, const Constraints& constraints, bool literal = false);

  const std::string& text() const { return text_; }                         // as written
  const std::vector<std::string>& wildcards() const { return wildcards_; }  // distinct, by first appearance
  // Whether the wildcards may have these values, each by itself, in the order of wildcards().
  bool allows(std::span<const std::string_view> values) const;
  bool is_literal() const { return wildcards_.empty(); }
  bool has_constraints() const { return has_constraints_; }
  std::string_view prefix() const;  // every match begins with this
  std::string_view suffix() const;  // every match ends with this

  // VALUES become the wildcards' values, views into NAME.
  bool match(std::string_view name, std::vector<std::string_view>& values) const;

  // Appends to OUT the name with these values, which are in the order of wildcards().
  void fill(std::span<const std::string_view> values, std::string& out) const;

 private:
  struct Fragment {
    std::string literal;  // the text before the wildcard
    int wildcard;         // its index; -1 after the last wildcard
  };

  std::string text_;
  std::vector<std::string> wildcards_;
  std::vector<std::string> constraints_;  // regular expressions, by wildcard
  std::vector<Fragment> fragments_;
  bool has_constraints_ = false;
  std::optional<text::Regex> regex_;  // empty if comparing prefix and suffix is enough
};

// The names of the wildcards in a text, by appearance.
std::vector<std::string> wildcards_in(std::string_view text);

// Fills in the wildcards of a text that is not a file name, such as a param. Unknown names stay as they are.
std::string fill_wildcards(std::string_view text, const std::vector<std::string>& names,
                           std::span<const std::string_view> values);

}  // namespace furrow::workflow
