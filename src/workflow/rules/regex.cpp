#include "workflow/rules/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace furrow::workflow {

namespace {

std::string message_of(int code) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

using MatchData = std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)>;

// One for the thread: a match block costs more to make than most matches do. Room for 64 groups of a
// constraint's own, no more.
pcre2_match_data* match_data() {
  static thread_local const MatchData data(pcre2_match_data_create(128, nullptr), &pcre2_match_data_free);
  return data.get();
}

pcre2_code* compile_code(const std::string& expression, bool utf, int& code, PCRE2_SIZE& offset) {
  const std::uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | (utf ? PCRE2_UTF | PCRE2_UCP : 0);
  return pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(), options, &code,
                       &offset, nullptr);
}

bool is_utf_error(int code) { return code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21; }

int match_code(const pcre2_code* code, std::string_view text) {
  const auto* const subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const int rc = pcre2_match(code, subject, text.size(), 0, 0, match_data(), nullptr);
  if (rc != PCRE2_ERROR_JIT_STACKLIMIT) return rc;
  return pcre2_match(code, subject, text.size(), 0, PCRE2_NO_JIT, match_data(), nullptr);
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
  pcre2_code* bytes = nullptr;  // the same for texts that are not UTF-8; null where main takes bytes
  std::vector<int> numbers;     // of the named groups
};

Result<Regex> Regex::compile(const std::string& expression, bool utf) {
  const auto made = std::make_shared<Code>();
  int code = 0;
  PCRE2_SIZE offset = 0;
  made->main = compile_code(expression, utf, code, offset);
  if (!made->main && utf && is_utf_error(code)) {
    utf = false;
    made->main = compile_code(expression, utf, code, offset);
  }
  if (!made->main)
    return fail(message_of(code) + " at position " + std::to_string(offset) + " of \"" + expression + "\"");
  pcre2_jit_compile(made->main, PCRE2_JIT_COMPLETE);  // where there is no JIT, matching is only slower
  if (utf) made->bytes = compile_code(expression, false, code, offset);
  for (int i = 0;; ++i) {
    const std::string name = "_w" + std::to_string(i);
    const int number =
        pcre2_substring_number_from_name(made->main, reinterpret_cast<PCRE2_SPTR>(name.c_str()));
    if (number < 0) break;
    made->numbers.push_back(number);
  }
  if (!made->numbers.empty() && made->numbers.back() > 120)
    return fail("too many groups in \"" + expression + "\"");
  Regex regex;
  regex.code_ = made;
  return regex;
}

bool Regex::match(std::string_view text, std::vector<std::string_view>& groups) const {
  int rc = match_code(code_->main, text);
  if (is_utf_error(rc) && code_->bytes) rc = match_code(code_->bytes, text);
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

}  // namespace furrow::workflow
