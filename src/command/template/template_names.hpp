// Text in braces that is meant as a replacement string, but is none: a misspelt column, or a string that exists
// without a position only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::command {

// Follows the quotes of a template, a character at a time: text in quotes may be a program in another language.
class QuoteTracker {
 public:
  void see(char c) {
    if (is_escaped_) {
      is_escaped_ = false;
    } else if (c == '\\' && quote_ != '\'') {
      is_escaped_ = true;
    } else if (quote_ == '\0' && (c == '"' || c == '\'')) {
      quote_ = c;
    } else if (quote_ == c) {
      quote_ = '\0';
    }
    last_ = c;
  }
  bool is_quoted() const { return quote_ != '\0'; }
  bool follows_dollar() const { return last_ == '$'; }

 private:
  char quote_ = '\0', last_ = '\0';
  bool is_escaped_ = false;
};

// An error if CONTENT, found in braces, begins with a name that is none of NAMES and was likely meant as one.
// MAY_BE_CODE: it stands where a program in another language can.
std::optional<Error> unknown_column(std::string_view content, const std::vector<std::string>& names,
                                    bool may_be_code);

// An error if CONTENT is a position and then the name of what the job has once, as in {2#}. FORM follows the
// position.
std::optional<Error> needless_position(std::string_view content, std::string_view form, bool plus);

}  // namespace furrow::command
