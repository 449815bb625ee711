#include "workflow/rules/pattern.hpp"

#include <algorithm>
#include <cctype>

namespace furrow::workflow {

namespace {

struct Found {
  std::size_t begin, end;  // braces included
  std::string_view name;
  std::optional<std::string_view> constraint;
};

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80); }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::size_t skip(std::string_view text, std::size_t at, bool (*belongs)(char)) {
  while (at < text.size() && belongs(text[at])) ++at;
  return at;
}

// The end of a repeat count such as "{3}" or "{2,5}" at AT; AT itself if there is none.
std::size_t skip_repeat_count(std::string_view text, std::size_t at) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = skip(text, at + 1, digit);
  if (i == at + 1) return at;
  if (i < text.size() && text[i] == ',') i = skip(text, i + 1, digit);
  return i < text.size() && text[i] == '}' ? i + 1 : at;
}

std::optional<std::size_t> end_of_constraint(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    if (text[at] == '}') return at;
    if (text[at] == '{') {
      const std::size_t next = skip_repeat_count(text, at);
      if (next == at) return std::nullopt;
      at = next;
    } else {
      ++at;
    }
  }
  return std::nullopt;
}

// The wildcard whose opening brace is at AT, if there is one.
std::optional<Found> wildcard_at(std::string_view text, std::size_t at) {
  const std::size_t name = skip(text, at + 1, is_blank);
  const std::size_t name_end = skip(text, name, is_word);
  if (name_end == name) return std::nullopt;
  Found found{at, 0, text.substr(name, name_end - name), std::nullopt};
  std::size_t i = skip(text, name_end, is_blank);
  if (i < text.size() && text[i] == ',') {
    i = skip(text, i + 1, is_blank);
    const auto end = end_of_constraint(text, i);
    if (!end) return std::nullopt;
    std::size_t last = *end;
    while (last > i && is_blank(text[last - 1])) --last;
    found.constraint = text.substr(i, last - i);
    i = *end;
  }
  if (i >= text.size() || text[i] != '}') return std::nullopt;
  found.end = i + 1;
  return found;
}

std::vector<Found> find_wildcards(std::string_view text) {
  std::vector<Found> all;
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at)) {
    if (const auto found = wildcard_at(text, at)) {
      all.push_back(*found);
      at = found->end;
    } else {
      ++at;
    }
  }
  return all;
}

std::string escape(std::string_view literal) {
  std::string escaped;
  for (const char c : literal) {
    if (!is_word(c)) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

}  // namespace

Result<Pattern> Pattern::parse(std::string_view text, const Constraints& constraints, bool literal) {
  Pattern pattern;
  pattern.text_ = text;
  std::string expression;
  bool constrained = false;
  std::size_t at = 0;
  if (!literal) {
    for (const Found& found : find_wildcards(text)) {
      pattern.fragments_.push_back({std::string(text.substr(at, found.begin - at)), 0});
      expression += escape(pattern.fragments_.back().literal);
      at = found.end;
      const auto known = std::find(pattern.wildcards_.begin(), pattern.wildcards_.end(), found.name);
      const std::size_t index = static_cast<std::size_t>(known - pattern.wildcards_.begin());
      pattern.fragments_.back().wildcard = static_cast<int>(index);
      const std::string group = "_w" + std::to_string(index);
      if (known != pattern.wildcards_.end()) {
        if (found.constraint)
          return fail(Error{"the wildcard {" + std::string(found.name) +
                                "} has a constraint where it comes again in \"" + std::string(text) + "\"",
                            {},
                            0,
                            "Give the constraint where the wildcard comes first."});
        expression += "(?P=" + group + ")";
        continue;
      }
      pattern.wildcards_.emplace_back(found.name);
      std::string constraint = ".+";
      if (found.constraint) {
        constraint = *found.constraint;
        pattern.has_constraints_ = true;
      } else if (const auto it = constraints.find(pattern.wildcards_.back()); it != constraints.end()) {
        constraint = it->second;
        pattern.has_constraints_ = true;
      }
      pattern.constraints_.push_back(constraint);
      constrained |= constraint != ".+";
      expression += "(?P<" + group + ">" + constraint + ")";
    }
  }
  pattern.fragments_.push_back({std::string(text.substr(at)), -1});
  expression += escape(pattern.fragments_.back().literal);
  if (constrained || pattern.fragments_.size() > 2) {
    auto regex = text::Regex::compile_whole(
        expression, constrained ? text::Regex::Encoding::kUtf8 : text::Regex::Encoding::kBytes);
    if (!regex) {
      regex.error().message =
          "bad wildcard constraint in \"" + std::string(text) + "\": " + regex.error().message;
      return fail(std::move(regex.error()));
    }
    pattern.regex_ = std::move(*regex);
  }
  return pattern;
}

std::string_view Pattern::prefix() const { return fragments_.front().literal; }
std::string_view Pattern::suffix() const { return fragments_.back().literal; }

bool Pattern::match(std::string_view name, std::vector<std::string_view>& values) const {
  values.clear();
  if (is_literal()) return name == fragments_.front().literal;
  if (name.size() <= prefix().size() + suffix().size() && !regex_) return false;
  if (!name.starts_with(prefix()) || !name.ends_with(suffix())) return false;
  if (regex_) return regex_->match(name, values);
  values.push_back(name.substr(prefix().size(), name.size() - prefix().size() - suffix().size()));
  return values.front().find('\n') == std::string_view::npos;  // as "." in the constraint ".+"
}

bool Pattern::allows(std::span<const std::string_view> values) const {
  for (std::size_t i = 0; i < constraints_.size(); ++i) {
    if (constraints_[i] == ".+" && !values[i].empty()) continue;
    const auto regex = text::Regex::compile_whole(constraints_[i], text::Regex::Encoding::kUtf8);
    std::vector<std::string_view> groups;
    if (!regex || !regex->match(values[i], groups)) return false;
  }
  return true;
}

void Pattern::fill(std::span<const std::string_view> values, std::string& out) const {
  for (const Fragment& fragment : fragments_) {
    out += fragment.literal;
    if (fragment.wildcard >= 0) out += values[static_cast<std::size_t>(fragment.wildcard)];
  }
}

std::vector<std::string> wildcards_in(std::string_view text) {
  std::vector<std::string> names;
  for (const Found& found : find_wildcards(text)) names.emplace_back(found.name);
  return names;
}

std::string fill_wildcards(std::string_view text, const std::vector<std::string>& names,
                           std::span<const std::string_view> values) {
  std::string filled;
  std::size_t at = 0;
  for (const Found& found : find_wildcards(text)) {
    const auto name = std::find(names.begin(), names.end(), found.name);
    if (name == names.end()) continue;
    filled += text.substr(at, found.begin - at);
    filled += values[static_cast<std::size_t>(name - names.begin())];
    at = found.end;
  }
  return filled += text.substr(at);
}

}  // namespace furrow::workflow
