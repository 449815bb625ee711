#include "command/template/shell_text.hpp"

#include <algorithm>
#include <string>

namespace furrow::command {

namespace {

constexpr auto kNone = std::string_view::npos;

// Follows the quotes of a command. Each open `"`, `$(` or backtick is on the stack: code can stand in quotes,
// and quotes in code.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool finds_operator() {
    for (; at_ < text_.size(); ++at_) {
      if (in_quotes() ? step_in_quotes() : step_in_code()) return true;
    }
    return false;
  }

 private:
  bool in_quotes() const { return !open_.empty() && open_.back() == '"'; }
  bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void toggle(char opening) {
    if (!open_.empty() && open_.back() == opening) {
      open_.pop_back();
    } else {
      open_ += opening;
    }
  }
  void skip_to(char c) { at_ = std::min(text_.find(c, at_ + 1), text_.size()); }

  bool step_in_quotes() {
    const char c = text_[at_];
    if (c == '\\') {
      ++at_;
    } else if (c == '"' || c == '`') {
      toggle(c);
    } else if (starts("$(")) {
      open_ += '(';
      ++at_;
    }
    return false;
  }

  bool step_in_code() {
    const char c = text_[at_];
    if (c == '&') {
      if (starts("&>")) return true;
      if (starts("&&")) ++at_;
    } else if (c == '\\') {
      ++at_;
    } else if (c == '\'') {
      skip_to('\'');
    } else if (c == '"' || c == '`') {
      toggle(c);
    } else if (c == '(') {
      open_ += '(';
    } else if (c == ')') {
      if (!open_.empty() && open_.back() == '(') open_.pop_back();
    } else if (c == '#' && (at_ == 0 || std::string_view(" \t\n;").find(text_[at_ - 1]) != kNone)) {
      skip_to('\n');
    }
    return false;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string open_;
};

}  // namespace

bool redirects_both(std::string_view command) {
  return command.find("&>") != kNone && Scanner(command).finds_operator();
}

}  // namespace furrow::command
