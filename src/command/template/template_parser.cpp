#include <algorithm>
#include <charconv>

#include "command/template/template_names.hpp"
#include "command/template/template_tokens.hpp"

namespace furrow::command {

namespace {

using Kind = Token::Kind;
constexpr auto kNone = std::string_view::npos;

// Replacement strings for what GNU parallel keeps in environment variables of the job.
std::string_view variable_of(std::string_view name) {
  if (name == "slot") return "${PARALLEL_JOBSLOT}";
  if (name == "host") return "${PARALLEL_SSHHOST}";
  if (name == "sshlogin") return "${PARALLEL_SSHLOGIN}";
  if (name == "agrp") return "${PARALLEL_ARGHOSTGROUPS}";
  if (name == "hgrp") return "${PARALLEL_HOSTGROUPS}";
  return {};
}

class WordParser {
 public:
  explicit WordParser(const TemplateOptions& options) : options_(options) {}

  Result<void> parse(std::string_view word, Group::Before before) {
    begin_group(before);
    quotes_.see(' ');
    while (!word.empty()) {
      if (word[0] == ' ' || word[0] == '\t') {
        quotes_.see(' ');
        begin_group(word[0] == ' ' ? Group::Before::kBlank : Group::Before::kTab);
        word.remove_prefix(1);
        continue;
      }
      auto taken = replacement(word);
      if (!taken) return fail(std::move(taken.error()));
      if (*taken == 0) {
        text(word.substr(0, 1));
        *taken = 1;
      }
      for (const char c : word.substr(0, *taken)) quotes_.see(c);
      word.remove_prefix(*taken);
    }
    return {};
  }

  ParsedWords take() { return {std::move(groups_), skip_}; }

 private:
  void begin_group(Group::Before before) { groups_.push_back({before}); }

  void text(std::string_view text) {
    std::vector<Token>& tokens = groups_.back().tokens;
    if (tokens.empty() || tokens.back().kind != Kind::kText) tokens.push_back({});
    tokens.back().text += text;
  }

  void add(Token token) {
    groups_.back().replaces = true;
    groups_.back().has_all_values |= token.kind == Kind::kValues;
    groups_.back().tokens.push_back(std::move(token));
  }

  // The length of the replacement string at the start of TEXT; 0 if there is none.
  Result<std::size_t> replacement(std::string_view text) {
    if (!options_.value_string.empty() && text.starts_with(options_.value_string)) {
      add({Kind::kValues});
      return options_.value_string.size();
    }
    if (text[0] != '{') return 0;
    const std::size_t end = text.find('}');
    if (end == kNone) return 0;
    const auto known = FURROW_TRY(inside(text.substr(1, end - 1)));
    return known ? end + 1 : 0;
  }

  Result<bool> inside(std::string_view content) {
    if (content.empty()) return false;  // {}, which stays as it is with another -I
    if (auto named = by_name(content); !named || *named) return named;
    if (const Kind kind = of_job(content); kind != Kind::kText) {
      add({kind});
      return true;
    }
    if (options_.plus && !variable_of(content).empty()) {
      text(variable_of(content));
      groups_.back().replaces = true;
      return true;
    }
    if (options_.plus && (content == "uniq" || content == "choose_k")) {
      skip_ = content == "uniq" ? Skip::kEqual : Skip::kNotAscending;
      add({Kind::kValues});
      return true;
    }
    if (auto positional = by_position(content); !positional || *positional) return positional;
    if (auto formed = with_form(Kind::kValues, 0, content); !formed || *formed) return formed;
    return is_mistaken(content) ? fail(*unknown_column(content, options_.names, may_be_code()))
                                : Result<bool>(false);
  }

  bool is_mistaken(std::string_view content) const {
    const bool has_names = std::any_of(options_.names.begin(), options_.names.end(),
                                       [](const auto& name) { return !name.empty(); });
    return has_names && options_.value_string.starts_with('{') && !quotes_.follows_dollar() &&
           unknown_column(content, options_.names, may_be_code()).has_value();
  }
  bool may_be_code() const { return options_.quote_words || (options_.quote && quotes_.is_quoted()); }

  Kind of_job(std::string_view name) const {
    if (name == "#") return Kind::kSeq;
    if (name == "%") return Kind::kSlot;
    if (name == "seed") return Kind::kSeed;
    if (!options_.plus) return Kind::kText;
    if (name == "##") return Kind::kTotal;
    if (name == "0#") return Kind::kPaddedSeq;
    if (name == "0%") return Kind::kPaddedSlot;
    return Kind::kText;
  }

  // Finds the longest column name with which CONTENT begins, if the rest is a form.
  Result<bool> by_name(std::string_view content) {
    std::vector<std::size_t> fitting;
    for (std::size_t i = 0; i < options_.names.size(); ++i)
      if (!options_.names[i].empty() && content.starts_with(options_.names[i])) fitting.push_back(i);
    std::stable_sort(fitting.begin(), fitting.end(), [&](std::size_t a, std::size_t b) {
      return options_.names[a].size() > options_.names[b].size();
    });
    for (const std::size_t i : fitting) {
      auto found =
          with_form(Kind::kPosition, static_cast<int>(i) + 1, content.substr(options_.names[i].size()));
      if (!found || *found) return found;
    }
    return false;
  }

  Result<bool> by_position(std::string_view content) {
    int position = 0;
    const auto [end, error] = std::from_chars(content.data(), content.data() + content.size(), position);
    if (error != std::errc() || position == 0) return false;
    std::string_view form = content.substr(end - content.data());
    // With -I ,, the text {1.} is replaced but {1} is not: braces have another meaning there.
    if (form.empty() && !options_.value_string.starts_with('{')) return false;
    form.remove_prefix(std::min(form.find_first_not_of(' '), form.size()));
    if (options_.plus && (form == "uniq" || form == "choose_k")) {
      skip_ = form == "uniq" ? Skip::kEqual : Skip::kNotAscending;
      form = {};
    }
    if (!quotes_.follows_dollar()) {
      if (auto needless = needless_position(content, form, options_.plus)) return fail(std::move(*needless));
    }
    return with_form(Kind::kPosition, position, form);
  }

  Result<bool> with_form(Kind kind, int position, std::string_view text) {
    auto form = ValueForm::parse(text, options_.plus);
    if (!form) return fail(std::move(form.error()));
    if (!*form) return false;
    add({kind, {}, position, std::move(**form)});
    return true;
  }

  const TemplateOptions& options_;
  std::vector<Group> groups_;
  Skip skip_ = Skip::kNone;
  QuoteTracker quotes_;
};

Result<void> refuse_perl(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  const std::size_t begin = text.find("{=");
  if (begin == kNone) return {};
  const std::size_t end = text.find("=}", begin + 2);
  if (end == kNone) return {};
  return fail(perl_expression(std::string_view(text).substr(begin + 2, end - begin - 2)));
}

}  // namespace

Result<ParsedWords> parse_words(const std::vector<std::string>& words, const TemplateOptions& options) {
  FURROW_TRY(refuse_perl(words));
  WordParser parser(options);
  for (std::size_t i = 0; i < words.size(); ++i) {
    FURROW_TRY(parser.parse(words[i], i == 0 ? Group::Before::kNothing : Group::Before::kWord));
  }
  return parser.take();
}

}  // namespace furrow::command
