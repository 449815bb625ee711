// What a template is made of, between parsing and rendering.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command/template/template.hpp"
#include "command/template/template_value.hpp"

namespace furrow::command {

struct Piece {
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
  int position = 0;    // from 1, or from the end: from -1
  ValueForm form{};    // kValues, kPosition
};

// What stands between two blanks: what -X repeats for each value.
struct Group {
  enum class Before : std::uint8_t { kNothing, kWord, kBlank, kTab };
  Before before =
      Before::kNothing;  // kWord: a new argument of the command line; kBlank, kTab: a blank inside of one
  std::vector<Piece> pieces{};
  bool replaces = false;        // holds a replacement string
  bool has_all_values = false;  // holds one of all values
};

// Combinations of values for which there is no job: {uniq} and {choose_k}, which are all values otherwise.
enum class Skip : std::uint8_t { kNone, kEqual, kNotAscending };

struct CommandTemplate::Parsed {
  std::vector<Group> groups;
  std::string text;
  std::string program;  // see plain_program()
  std::uint64_t identity = 0;
  bool quote = true, quote_words = false, repeat_context = false, no_values = false;
  Skip skip = Skip::kNone;
  bool uses_values = false, uses_slot = false, uses_seed = false, uses_total = false;
};

struct ParsedWords {
  std::vector<Group> groups;
  Skip skip = Skip::kNone;
};

// Cuts WORDS at blanks and replacement strings.
Result<ParsedWords> parse_words(const std::vector<std::string>& words, const TemplateOptions& options);

// What to write in place of a Perl expression {= =}.
Error perl_expression(std::string_view expression);

}  // namespace furrow::command
