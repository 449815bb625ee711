#include "text/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace furrow::text {

namespace {

constexpr std::uint32_t kMostGroups = 120;  // in one expression, including groups inside constraints

std::string message_of(int code) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

PCRE2_SPTR as_subject(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

using MatchData = std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)>;

// One for each thread: creating a match block costs more than most matches.
pcre2_match_data* match_data() {
  static thread_local const MatchData data(pcre2_match_data_create(kMostGroups + 8, nullptr),
                                           &pcre2_match_data_free);
  return data.get();
}

bool is_utf_error(int code) { return code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21; }

pcre2_code* try_compile(const std::string& expression, std::uint32_t options, int& code, PCRE2_SIZE& offset) {
  return pcre2_compile(as_subject(expression), expression.size(), options, &code, &offset, nullptr);
}

int match_code(const pcre2_code* code, std::string_view text, std::size_t from) {
  const int rc = pcre2_match(code, as_subject(text), text.size(), from, 0, match_data(), nullptr);
  if (rc != PCRE2_ERROR_JIT_STACKLIMIT) return rc;
  return pcre2_match(code, as_subject(text), text.size(), from, PCRE2_NO_JIT, match_data(), nullptr);
}

}  // namespace

struct Regex::Code {
  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() {
    pcre2_code_free(main);
    pcre2_code_free(bytes);
  }
  pcre2_code* main = nullptr;
  pcre2_code* bytes = nullptr;  // the same for texts that are not UTF-8; null if `main` treats texts as bytes
  std::vector<int> numbers;     // the numbers of the groups _w0, _w1, ...
};

Result<std::shared_ptr<Regex::Code>> Regex::compile_code(const std::string& expression,
                                                         std::uint32_t options) {
  const auto made = std::make_shared<Code>();
  int code = 0;
  PCRE2_SIZE offset = 0;
  made->main = try_compile(expression, options, code, offset);
  if (!made->main && is_utf_error(code)) {
    options &= ~(PCRE2_UTF | PCRE2_UCP);
    made->main = try_compile(expression, options, code, offset);
  }
  if (!made->main)
    return fail("the regular expression " + expression + " is wrong at character " +
                std::to_string(offset + 1) + ": " + message_of(code));
  pcre2_jit_compile(made->main, PCRE2_JIT_COMPLETE);  // without JIT, matching is merely slower
  if ((options & PCRE2_UTF) != 0)
    made->bytes = try_compile(expression, options & ~(PCRE2_UTF | PCRE2_UCP), code, offset);
  return made;
}

Result<Regex> Regex::compile(const std::string& expression) {
  auto code = compile_code(expression, 0);
  if (!code) return fail(std::move(code.error()));
  Regex regex;
  regex.code_ = *std::move(code);
  return regex;
}

Result<Regex> Regex::compile_whole(const std::string& expression, Encoding encoding) {
  const std::uint32_t utf = encoding == Encoding::kUtf8 ? PCRE2_UTF | PCRE2_UCP : 0;
  auto code = compile_code(expression, PCRE2_ANCHORED | PCRE2_ENDANCHORED | utf);
  if (!code) return fail(std::move(code.error()));
  std::vector<int>& numbers = (*code)->numbers;
  for (int i = 0;; ++i) {
    const std::string name = "_w" + std::to_string(i);
    const int number = pcre2_substring_number_from_name((*code)->main, as_subject(name));
    if (number < 0) break;
    numbers.push_back(number);
  }
  if (!numbers.empty() && numbers.back() > static_cast<int>(kMostGroups))
    return fail("the regular expression " + expression + " has too many groups");
  Regex regex;
  regex.code_ = *std::move(code);
  return regex;
}

bool Regex::match(std::string_view text, std::vector<std::string_view>& groups) const {
  int rc = match_code(code_->main, text, 0);
  if (is_utf_error(rc) && code_->bytes) rc = match_code(code_->bytes, text, 0);
  if (rc < 0) return false;
  const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(match_data());
  const std::vector<int>& numbers = code_->numbers;
  groups.resize(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::size_t group = static_cast<std::size_t>(numbers[i]);
    const bool set = rc == 0 || group < static_cast<std::size_t>(rc);
    groups[i] = set && ends[2 * group] != PCRE2_UNSET
                    ? text.substr(ends[2 * group], ends[2 * group + 1] - ends[2 * group])
                    : std::string_view();
  }
  return true;
}

std::optional<Regex::Match> Regex::find(std::string_view text, std::size_t from) const {
  const int rc = match_code(code_->main, text, from);
  if (rc < 0) return std::nullopt;
  const PCRE2_SIZE* const at = pcre2_get_ovector_pointer(match_data());
  const bool has_group = rc != 1 && at[3] != PCRE2_UNSET;
  return Match{at[0], at[1], has_group ? at[3] : at[0]};
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

}  // namespace furrow::text
