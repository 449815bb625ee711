#include "command/template/template_value.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace furrow::command {

namespace {

constexpr auto kNone = std::string_view::npos;

// Where the last extension begins: a dot followed by at least one character, but no slash. npos if there is
// none.
std::size_t extension_of(std::string_view value) {
  const std::size_t at = value.find_last_of("./");
  return at == kNone || value[at] == '/' ? kNone : at;
}

// Where the last COUNT extensions begin; npos if there are fewer.
std::size_t extensions_of(std::string_view value, int count) {
  std::size_t at = value.size();
  for (; count > 0; --count) {
    at = extension_of(value.substr(0, at));
    if (at == kNone) return kNone;
  }
  return at;
}

std::string_view base_of(std::string_view value) {
  const std::size_t slash = value.rfind('/');
  return slash == kNone ? value : value.substr(slash + 1);
}

std::string_view without_slashes(std::string_view path) {
  const std::size_t last = path.find_last_not_of('/');
  return path.substr(0, last == kNone ? 0 : last + 1);
}

std::string_view folder_of(std::string_view value) {
  const std::string_view path = without_slashes(value);
  const std::size_t slash = path.rfind('/');
  if (slash == kNone) return value.starts_with('/') && path.empty() ? "/" : ".";
  const std::string_view folder = without_slashes(path.substr(0, slash));
  return folder.empty() ? "/" : folder;
}

std::optional<std::size_t> number(std::string_view text) {
  const auto value = whole_number(text);
  return value && *value >= 0 ? std::optional(static_cast<std::size_t>(*value)) : std::nullopt;
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

Result<std::optional<ValueForm>> ValueForm::parse(std::string_view text, bool plus) {
  ValueForm form;
  const auto cut = [&](bool base, std::uint8_t extensions) {
    form.kind_ = Kind::kCut;
    form.base_ = base;
    form.extensions_ = extensions;
    return form;
  };
  if (text.empty()) return form;
  if (text == ".") return cut(false, 1);
  if (text == "/") return cut(true, 0);
  if (text == "/.") return cut(true, 1);
  if (text == "//") {
    form.kind_ = Kind::kFolder;
    return form;
  }
  if (!plus) return std::nullopt;
  if (text == ".." || text == "...") return cut(false, static_cast<std::uint8_t>(text.size()));
  if (text == "/.." || text == "/...") return cut(true, static_cast<std::uint8_t>(text.size() - 1));
  if (text == "+/") {
    form.kind_ = Kind::kPlusFolder;
    return form;
  }
  if (text == "+." || text == "+.." || text == "+...") {
    form.kind_ = Kind::kExtension;
    form.extensions_ = static_cast<std::uint8_t>(text.size() - 1);
    return form;
  }
  return parse_expression(text);
}

Result<std::optional<ValueForm>> ValueForm::parse_expression(std::string_view text) {
  ValueForm form;
  const std::string rest(text.substr(1));
  const bool twice = rest.starts_with(text[0]);
  switch (text[0]) {
    case ':': {
      if (rest.starts_with('-') && rest.size() > 1) {
        form.kind_ = Kind::kDefault;
        form.text_ = rest.substr(1);
        return form;
      }
      const std::size_t colon = rest.find(':');
      const auto from = number(std::string_view(rest).substr(0, colon));
      const auto length = colon == kNone ? from : number(std::string_view(rest).substr(colon + 1));
      if (!from || !length) return std::nullopt;
      form.kind_ = colon == kNone ? Kind::kFrom : Kind::kRange;
      form.from_ = *from;
      form.length_ = *length;
      return form;
    }
    case '#':  // removes the shortest matching start, or the longest
      return twice ? with_expression(Kind::kCutStart, "\\A(?:", rest.substr(1), ")")
                   : with_expression(Kind::kCutStart, "\\A(?U:", rest, ")");
    case '%':  // (?s).* takes as much as it can, which leaves the shortest end
      return twice ? with_expression(Kind::kCutEnd, "()(?:", rest.substr(1), ")\\z")
                   : with_expression(Kind::kCutEnd, "\\A((?s:.*))(?U:", rest, ")\\z");
    case '/': {
      const std::string_view pair = twice ? std::string_view(rest).substr(1) : std::string_view(rest);
      const std::size_t slash = pair.find('/', 1);
      if (slash == kNone) return std::nullopt;
      auto form_of = with_expression(twice ? Kind::kReplaceAll : Kind::kReplace, "",
                                     std::string(pair.substr(0, slash)), "");
      if (form_of && *form_of) (*form_of)->text_ = pair.substr(slash + 1);
      return form_of;
    }
    case '^':
      return twice ? with_expression(Kind::kUpperAll, "", rest.substr(1), "")
                   : with_expression(Kind::kUpper, "\\A(?:", rest, ")");
    case ',':
      return twice ? with_expression(Kind::kLowerAll, "", rest.substr(1), "")
                   : with_expression(Kind::kLower, "\\A(?:", rest, ")");
    default:
      return std::nullopt;
  }
}

Result<std::optional<ValueForm>> ValueForm::with_expression(Kind kind, const char* before,
                                                            const std::string& expression,
                                                            const char* behind) {
  if (expression.empty()) return std::nullopt;
  // Compiled alone first, so that an error shows what the user wrote.
  auto regex = text::Regex::compile(expression);
  if (regex) regex = text::Regex::compile(before + expression + behind);
  if (!regex) return fail(std::move(regex.error()));
  ValueForm form;
  form.kind_ = kind;
  form.regex_ = std::move(*regex);
  return form;
}

std::string_view ValueForm::apply(std::string_view value, std::string& scratch) const {
  switch (kind_) {
    case Kind::kWhole:
      return value;
    case Kind::kCut: {
      const std::string_view kept = base_ ? base_of(value) : value;
      const std::size_t at = extensions_ == 0 ? kNone : extensions_of(kept, extensions_);
      return kept.substr(0, at);
    }
    case Kind::kExtension: {
      // A single extension may have a slash after its dot, as in GNU parallel; several may not.
      if (extensions_ == 1) {
        const std::size_t dot = value.rfind('.');
        return dot == kNone ? std::string_view() : value.substr(dot + 1);
      }
      const std::size_t at = extensions_of(value, extensions_);
      return at == kNone ? std::string_view() : value.substr(at + 1);
    }
    case Kind::kFolder:
      return folder_of(value);
    case Kind::kPlusFolder: {
      const std::size_t slash = value.rfind('/');
      return slash == kNone ? std::string_view() : value.substr(0, slash);
    }
    case Kind::kDefault:
      return value.empty() ? std::string_view(text_) : value;
    case Kind::kFrom:
      return value.substr(std::min(from_, value.size()));
    case Kind::kRange:
      return value.substr(std::min(from_, value.size()), length_);
    case Kind::kCutStart: {
      const auto match = regex_->find(value);
      return match ? value.substr(match->end) : value;
    }
    case Kind::kCutEnd: {
      const auto match = regex_->find(value);
      return match ? value.substr(0, match->group_end) : value;
    }
    default:
      return substitute(value, scratch);
  }
}

std::string_view ValueForm::substitute(std::string_view value, std::string& scratch) const {
  const bool all = kind_ == Kind::kReplaceAll || kind_ == Kind::kUpperAll || kind_ == Kind::kLowerAll;
  std::string result;
  std::size_t copied = 0;
  for (std::size_t from = 0; from <= value.size();) {
    const auto match = regex_->find(value, from);
    if (!match) break;
    result += value.substr(copied, match->begin - copied);
    if (kind_ == Kind::kReplace || kind_ == Kind::kReplaceAll) {
      result += text_;
    } else {
      const bool up = kind_ == Kind::kUpper || kind_ == Kind::kUpperAll;
      for (const char c : value.substr(match->begin, match->end - match->begin))
        result += up ? upper(c) : lower(c);
    }
    copied = match->end;
    // The next search must not find the same empty match.
    from = match->end + (match->end == match->begin ? 1 : 0);
    if (!all) break;
  }
  result += value.substr(copied);
  scratch = std::move(result);
  return scratch;
}

}  // namespace furrow::command
