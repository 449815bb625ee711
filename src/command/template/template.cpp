#include "command/template/template.hpp"

#include <algorithm>
#include <charconv>

#include "base/hash.hpp"
#include "command/template/quote.hpp"
#include "command/template/template_tokens.hpp"

namespace furrow::command {

namespace {

using Kind = Token::Kind;

class Digits {
 public:
  explicit Digits(std::uint64_t number, std::size_t width = 0) {
    char digits[24];
    const std::size_t count = std::to_chars(digits, digits + sizeof digits, number).ptr - digits;
    size_ = std::max(count, std::min(width, sizeof text_));
    std::fill(text_, text_ + size_ - count, '0');
    std::copy(digits, digits + count, text_ + size_ - count);
  }
  operator std::string_view() const { return {text_, size_}; }
  std::size_t size() const { return size_; }

 private:
  char text_[24];
  std::size_t size_;
};

// Receives the rendered text. A `value` is text that a quote must keep together; `split` begins a new word of
// the command line.
class CommandSink {
 public:
  CommandSink(std::string& out, bool quote, QuoteStyle style) : out_(out), quote_(quote), style_(style) {}
  void text(std::string_view text) { out_ += text; }
  void value(std::string_view value) {
    if (quote_) {
      append_quoted(out_, value, style_);
    } else {
      out_ += value;
    }
  }
  void blank(char c) { out_ += c; }
  void split() { out_ += ' '; }
  void finish() {}

 private:
  std::string& out_;
  const bool quote_;
  const QuoteStyle style_;
};

// -q: every word is quoted as a whole.
class QuotedWordsSink {
 public:
  QuotedWordsSink(std::string& out, QuoteStyle style) : out_(out), style_(style) {}
  void text(std::string_view text) {
    word_ += text;
    begun_ = true;
  }
  void value(std::string_view value) { text(value); }
  void blank(char c) { text({&c, 1}); }
  void split() {
    if (!begun_) return;
    if (!first_) out_ += ' ';
    append_quoted(out_, word_, style_);
    word_.clear();
    begun_ = first_ = false;
  }
  void finish() { split(); }

 private:
  std::string& out_;
  const QuoteStyle style_;
  std::string word_;
  bool begun_ = false, first_ = true;
};

// The words into which a shell would split a plain command.
class ArgumentsSink {
 public:
  explicit ArgumentsSink(std::vector<std::string>& argv) : argv_(argv) {}
  void text(std::string_view text) {
    word_ += text;
    begun_ |= !text.empty();
  }
  void value(std::string_view value) {
    word_ += value;
    begun_ = true;  // an empty value is an empty word
  }
  void blank(char) { split(); }
  void split() {
    if (!begun_) return;
    argv_.push_back(std::move(word_));
    word_.clear();
    begun_ = false;
  }
  void finish() { split(); }

 private:
  std::vector<std::string>& argv_;
  std::string word_;
  bool begun_ = false;
};

template <class Sink>
class Renderer {
 public:
  Renderer(Sink& sink, const Arguments& values, const RenderContext& context, bool no_values)
      : sink_(sink), values_(values), context_(context), no_values_(no_values) {}

  void render(const std::vector<Group>& groups, bool repeat_context) {
    for (const Group& group : groups) {
      separate(group.before);
      if (repeat_context && group.has_all_values) {
        repeat(group);
      } else {
        for (const Token& token : group.tokens) render_all(token);
      }
    }
    sink_.finish();
  }

 private:
  void separate(Group::Before before) {
    if (before == Group::Before::kWord) sink_.split();
    if (before == Group::Before::kBlank) sink_.blank(' ');
    if (before == Group::Before::kTab) sink_.blank('\t');
  }

  // A job without values (--pipe) is rendered as if it had one empty value.
  std::size_t count() const { return std::max<std::size_t>(values_.size(), 1); }

  void repeat(const Group& group) {
    for (std::size_t i = 0; i < (no_values_ ? 1 : count()); ++i) {
      if (i > 0) sink_.split();
      for (const Token& token : group.tokens) {
        if (token.kind == Kind::kValues) {
          value(token, i);
        } else {
          render_all(token);
        }
      }
    }
  }

  void render_all(const Token& token) {
    switch (token.kind) {
      case Kind::kText:
        return sink_.text(token.text);
      case Kind::kValues:
        for (std::size_t i = 0; i < (no_values_ ? 1 : count()); ++i) {
          if (i > 0) sink_.split();
          value(token, i);
        }
        return;
      case Kind::kPosition: {
        const auto n = static_cast<std::ptrdiff_t>(values_.size());
        const std::ptrdiff_t i = token.position > 0 ? token.position - 1 : n + token.position;
        if (i >= 0 && i < n) value(token, static_cast<std::size_t>(i));
        return;
      }
      case Kind::kSeq:
        return sink_.text(Digits(context_.seq));
      case Kind::kSlot:
        return sink_.text(Digits(context_.slot));
      case Kind::kSeed:
        return sink_.text(Digits(context_.seed));
      case Kind::kTotal:
        return sink_.text(Digits(context_.total));
      case Kind::kPaddedSeq:
        return sink_.text(Digits(context_.seq, Digits(context_.total).size()));
      case Kind::kPaddedSlot:
        return sink_.text(Digits(context_.slot, Digits(context_.slots).size()));
    }
  }

  void value(const Token& token, std::size_t i) {
    if (no_values_) return;
    sink_.value(token.form.apply(i < values_.size() ? values_[i] : std::string_view(), scratch_));
  }

  Sink& sink_;
  const Arguments& values_;
  const RenderContext& context_;
  bool no_values_;
  std::string scratch_;
};

// Whether the command word itself has a replacement string: then the values are commands, and are not quoted.
bool begins_with_value(const std::vector<Group>& groups) {
  for (const Group& group : groups) {
    if (group.before != Group::Before::kNothing) return false;
    for (const Token& token : group.tokens) {
      if (token.kind != Kind::kText) return true;
      if (token.text.find_first_of("\n=") != std::string::npos) return false;
    }
  }
  return false;
}

// A character that has no meaning to a shell anywhere in a word.
bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

// See CommandTemplate::plain_program().
std::string plain_program(const std::vector<Group>& groups) {
  for (const Group& group : groups)
    for (const Token& token : group.tokens)
      if (!std::all_of(token.text.begin(), token.text.end(), is_plain)) return {};
  const auto first =
      std::find_if(groups.begin(), groups.end(), [](const Group& group) { return !group.tokens.empty(); });
  if (first == groups.end() || first->replaces || first->tokens.size() != 1) return {};
  const std::string& word = first->tokens.front().text;
  // "x=1" is an assignment, "%1" a job of the shell.
  return word.find('=') != std::string::npos || word.front() == '%' ? std::string() : word;
}

}  // namespace

CommandTemplate::CommandTemplate() : parsed_(std::make_shared<Parsed>()) {}

Result<CommandTemplate> CommandTemplate::parse(const std::vector<std::string>& words,
                                               const TemplateOptions& options) {
  auto read = FURROW_TRY(parse_words(words, options));
  std::vector<Group>* const groups = &read.groups;
  const auto replaces = [](const Group& group) { return group.replaces; };
  std::vector<std::string> all = words;
  if (options.append_value && std::none_of(groups->begin(), groups->end(), replaces)) {
    all.push_back(options.value_string);
    groups->push_back(
        {words.empty() ? Group::Before::kNothing : Group::Before::kWord, {{Kind::kValues}}, true, true});
  }

  auto parsed = std::make_shared<Parsed>();
  for (const std::string& word : all) parsed->text += (&word == &all.front() ? "" : " ") + word;
  parsed->quote =
      options.quote && !options.quote_words && !(options.append_value && begins_with_value(*groups));
  parsed->quote_words = options.quote_words;
  parsed->quote_style = options.quote_style;
  parsed->repeat_context = options.repeat_context;
  parsed->no_values = options.no_values;
  parsed->skip = read.skip;
  for (const Group& group : *groups) {
    for (const Token& token : group.tokens) {
      parsed->uses_values |= token.kind == Kind::kValues || token.kind == Kind::kPosition;
      parsed->uses_slot |= token.kind == Kind::kSlot || token.kind == Kind::kPaddedSlot;
      parsed->uses_number |=
          token.kind == Kind::kSeq || token.kind == Kind::kPaddedSeq || token.kind == Kind::kTotal;
      parsed->uses_seed |= token.kind == Kind::kSeed;
      parsed->uses_total |= token.kind == Kind::kTotal || token.kind == Kind::kPaddedSeq;
    }
  }
  if (parsed->quote) parsed->program = ::furrow::command::plain_program(*groups);
  parsed->groups = std::move(*groups);
  std::string options_text{parsed->quote ? 'q' : '-', parsed->quote_words ? 'w' : '-',
                           parsed->repeat_context ? 'x' : '-', parsed->no_values ? '0' : '-',
                           options.plus ? '+' : '-'};
  options_text += options.value_string;
  for (const std::string& name : options.names) options_text += '\0' + name;
  parsed->identity = combine(hash64(parsed->text), hash64(options_text));
  CommandTemplate result;
  result.parsed_ = std::move(parsed);
  return result;
}

void CommandTemplate::render(const Arguments& values, const RenderContext& context, std::string& out) const {
  if (parsed_->quote_words) {
    QuotedWordsSink sink(out, parsed_->quote_style);
    Renderer(sink, values, context, parsed_->no_values).render(parsed_->groups, parsed_->repeat_context);
  } else {
    CommandSink sink(out, parsed_->quote, parsed_->quote_style);
    Renderer(sink, values, context, parsed_->no_values).render(parsed_->groups, parsed_->repeat_context);
  }
}

std::string CommandTemplate::render(const Arguments& values, const RenderContext& context) const {
  std::string text;
  render(values, context, text);
  return text;
}

void CommandTemplate::render_argv(const Arguments& values, const RenderContext& context,
                                  std::vector<std::string>& argv) const {
  ArgumentsSink sink(argv);
  Renderer(sink, values, context, parsed_->no_values).render(parsed_->groups, parsed_->repeat_context);
}

bool CommandTemplate::may_skip() const { return parsed_->skip != Skip::kNone; }

bool CommandTemplate::skips(const Arguments& values) const {
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (parsed_->skip == Skip::kNotAscending && values[i - 1] >= values[i]) return true;
    for (std::size_t j = 0; parsed_->skip == Skip::kEqual && j < i; ++j)
      if (values[i] == values[j]) return true;
  }
  return false;
}

std::string_view CommandTemplate::plain_program() const { return parsed_->program; }
bool CommandTemplate::uses_values() const { return parsed_->uses_values; }
bool CommandTemplate::uses_slot() const { return parsed_->uses_slot; }
bool CommandTemplate::uses_number() const { return parsed_->uses_number; }
bool CommandTemplate::uses_seed() const { return parsed_->uses_seed; }
bool CommandTemplate::uses_total() const { return parsed_->uses_total; }
const std::string& CommandTemplate::text() const { return parsed_->text; }
std::uint64_t CommandTemplate::identity() const { return parsed_->identity; }

}  // namespace furrow::command
