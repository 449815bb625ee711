// The parts of a template between parsing and rendering.
#pragma once

#include <string>
#include <vector>

#include "command/template/template.hpp"
#include "command/template/template_value.hpp"

namespace furrow::command {

struct Token {
  enum class Kind : std::uint8_t {
    kText,
    kValues,    // {}: every value of the job
    kPosition,  // {2}, {-1}, {name}
    kSeq,
    kSlot,
    kSeed,
    kTotal,
    kPaddedSeq,   // {0#}: as wide as the number of jobs
    kPaddedSlot,  // {0%}
  };
  Kind kind = Kind::kText;
  std::string text{};  // kText
  int position = 0;    // from 1 on; from -1 on, counted from the end
  ValueForm form{};    // kValues, kPosition
};

// The text between two blanks, which -X repeats for each value.
struct Group {
  enum class Before : std::uint8_t { kNothing, kWord, kBlank, kTab };
  // kWord: a new argument of the command line; kBlank, kTab: a blank inside an argument.
  Before before = Before::kNothing;
  std::vector<Token> tokens{};
  // Whether it holds a replacement string.
  bool replaces = false;
  // Whether it holds a replacement string for all values.
  bool has_all_values = false;
};

// Which combinations of values give no job: for {uniq} and {choose_k}, which otherwise stand for all values.
enum class Skip : std::uint8_t { kNone, kEqual, kNotAscending };

struct CommandTemplate::Parsed {
  std::vector<Group> groups;
  std::string text;
  std::string program;  // see plain_program()
  std::uint64_t identity = 0;
  bool quote = true, quote_words = false, repeat_context = false, no_values = false;
  QuoteStyle quote_style = QuoteStyle::kPosix;
  Skip skip = Skip::kNone;
  bool uses_values = false, uses_slot = false, uses_number = false, uses_seed = false, uses_total = false;
};

struct ParsedWords {
  std::vector<Group> groups;
  Skip skip = Skip::kNone;
};

// Splits WORDS at blanks and replacement strings.
Result<ParsedWords> parse_words(const std::vector<std::string>& words, const TemplateOptions& options);

// The error for a Perl expression {= =}, with a hint what to write instead.
Error perl_expression(std::string_view expression);

}  // namespace furrow::command
