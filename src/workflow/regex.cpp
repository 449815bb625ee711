#include "workflow/regex.hpp"

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

// One for the thread: a match block costs more to make than most matches do. Room for 64 groups of a constraint's own, no more.
pcre2_match_data* match_data() {
  static thread_local const MatchData data(pcre2_match_data_create(128, nullptr), &pcre2_match_data_free);
  return data.get();
}

}  // namespace

Result<Regex> Regex::compile(const std::string& expression, bool utf) {
  int code = 0;
  PCRE2_SIZE offset = 0;
  const std::uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | (utf ? PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF : 0);
  pcre2_code* const compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(), options, &code, &offset, nullptr);
  if (!compiled) return fail(message_of(code) + " at position " + std::to_string(offset) + " of \"" + expression + "\"");
  Regex regex;
  regex.code_ = std::shared_ptr<void>(compiled, [](void* p) { pcre2_code_free(static_cast<pcre2_code*>(p)); });
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // where there is no JIT, matching is only slower
  for (int i = 0;; ++i) {
    const std::string name = "_w" + std::to_string(i);
    const int number = pcre2_substring_number_from_name(compiled, reinterpret_cast<PCRE2_SPTR>(name.c_str()));
    if (number < 0) break;
    regex.numbers_.push_back(number);
  }
  if (!regex.numbers_.empty() && regex.numbers_.back() > 120) return fail("too many groups in \"" + expression + "\"");
  return regex;
}

bool Regex::match(std::string_view text, std::vector<std::string_view>& groups) const {
  const auto* const code = static_cast<const pcre2_code*>(code_.get());
  const auto* const subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  int rc = pcre2_match(code, subject, text.size(), 0, 0, match_data(), nullptr);
  if (rc == PCRE2_ERROR_JIT_STACKLIMIT) rc = pcre2_match(code, subject, text.size(), 0, PCRE2_NO_JIT, match_data(), nullptr);
  if (rc < 0) return false;
  const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(match_data());
  groups.resize(numbers_.size());
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    const std::size_t group = static_cast<std::size_t>(numbers_[i]);
    const bool set = rc == 0 || group < static_cast<std::size_t>(rc);
    groups[i] = set && ends[2 * group] != PCRE2_UNSET ? text.substr(ends[2 * group], ends[2 * group + 1] - ends[2 * group])
                                                      : std::string_view();
  }
  return true;
}

}  // namespace furrow::workflow
