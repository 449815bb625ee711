#include <array>

#include "command/template/template_tokens.hpp"
#include "text/regex.hpp"

namespace furrow::command {

namespace {

struct Nearest {
  const char* expression;  // a regular expression for the Perl text
  const char* instead;
};

constexpr auto kNearest = std::to_array<Nearest>({
    {R"(^s(.)\\\.\[\^/?\.\]\+\$\1\1;?$)", "{.} is the value without its extension"},
    {R"(^s(.)\.\*/\1\1;\s*s(.)\\\.\[\^/?\.\]\+\$\2\2;?$)", "{/.} is the base name without its extension"},
    {R"(^s(.)\.\*/\1\1;?$)", "{/} is the value's base name"},
    {R"(dirname)", "{//} is the value's folder"},
    {R"(seq(\(\))?.*sprintf|sprintf.*seq)", "{0#}, with --plus, is the job's number with leading zeros"},
    {R"(slot(\(\))?.*sprintf|sprintf.*slot)", "{0%}, with --plus, is the slot's number with leading zeros"},
    {R"(total_jobs)", "{##}, with --plus, is the number of jobs"},
    {R"(\bseq\b)", "{#} is the job's number"},
    {R"(\bslot\b)", "{%} is the number of the job's slot"},
    {R"(skip)", "filter the input beforehand, with grep or awk"},
    {R"(rand)", "{seed} is a number for each job that depends on --seed and its values"},
    {R"(\$arg\[\d+\])", "{2} is the second value of the job"},
    {R"(\buc(first)?\b)", "{^^[a-z]}, with --plus, is the value in capitals, {^[a-z]} its first letter"},
    {R"(\blc(first)?\b)", "{,,[A-Z]}, with --plus, is the value in lower case"},
    {R"(\bQ\()", "values are quoted already"},
    {R"(\buq\b)", "put the replacement string first, as in '{} ...': then values are not quoted"},
    {R"(^s(.).*\$\1\1;?$)", "{%text}, with --plus, is the value without that end"},
    {R"(^s(.)\^.*\1\1;?$)", "{#text}, with --plus, is the value without that start"},
    {R"(^s(.).*\1.*\1\w*g\w*;?$)", "{//expression/text}, with --plus, replaces every match"},
    {R"(^s(.).*\1.*\1\w*;?$)", "{/expression/text}, with --plus, replaces the first match"},
    {R"(substr)", "{:3} and {:3:2}, with --plus, are parts of the value"},
    {R"(sprintf|[-+*/%]|\d)", "let the shell compute it, as in $(( {} + 1 )), or $(printf %03d {})"},
});

}  // namespace

Error perl_expression(std::string_view expression) {
  const std::size_t first = std::min(expression.find_first_not_of(" '"), expression.size());
  const std::size_t last = expression.find_last_not_of(" '");
  const std::string_view perl =
      last == std::string_view::npos ? std::string_view() : expression.substr(first, last + 1 - first);
  std::string hint =
      "See \"Replacement strings\" in furrow map --help for what there is; the shell can do the rest, as in "
      "$(...).";
  for (const Nearest& nearest : kNearest) {
    const auto regex = text::Regex::compile(nearest.expression);
    if (!regex || !regex->find(perl)) continue;
    hint = std::string("The nearest equivalent: ") + nearest.instead + ".";
    break;
  }
  return Error{"{=" + std::string(expression) + "=}: Furrow has no Perl", {}, 0, std::move(hint)};
}

}  // namespace furrow::command
