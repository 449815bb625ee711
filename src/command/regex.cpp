#include "command/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace furrow::command {

struct Regex::Code {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = pcre2_match_data_create(2, nullptr);
  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
};

namespace {

std::string message_of(int code) {
  PCRE2_UCHAR text[160];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

Result<Regex> Regex::compile(const std::string& expression) {
  int code = 0;
  PCRE2_SIZE offset = 0;
  auto compiled = std::make_shared<Code>();
  compiled->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(), 0, &code,
                                 &offset, nullptr);
  if (!compiled->code)
    return fail("the regular expression " + expression + " is wrong at character " +
                std::to_string(offset + 1) + ": " + message_of(code));
  pcre2_jit_compile(compiled->code, PCRE2_JIT_COMPLETE);  // without it, slower
  Regex regex;
  regex.code_ = std::move(compiled);
  return regex;
}

std::optional<Match> Regex::find(std::string_view text, std::size_t from) const {
  const int groups = pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from, 0,
                                 code_->match, nullptr);
  if (groups < 0) return std::nullopt;  // no match, or one too hard to find
  const PCRE2_SIZE* const at = pcre2_get_ovector_pointer(code_->match);
  const bool group = groups != 1 && at[3] != PCRE2_UNSET;
  return Match{at[0], at[1], group ? at[3] : at[0]};
}

std::optional<std::string> Regex::literal(std::string_view expression) {
  std::string text;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    char c = expression[i];
    if (c == '\\') {
      if (++i == expression.size()) return std::nullopt;
      c = expression[i];
      if (c == 't') {
        c = '\t';
      } else if (c == 'n') {
        c = '\n';
      } else if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return std::nullopt;
      }
    } else if (std::string_view("^$.|?*+()[]{}").find(c) != std::string_view::npos) {
      return std::nullopt;
    }
    text += c;
  }
  return text;
}

}  // namespace furrow::command
