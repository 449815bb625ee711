// One form of a value: as it is, without its extension, its folder, a part of it...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "command/regex.hpp"

namespace furrow::command {

class ValueForm {
 public:
  // TEXT is what stands in the braces behind a position or name: "", ".", "/", "//", "/."; with PLUS also
  // "..", "+/", ":3", "%.gz"... Nothing where it is none of these; an error where it is one with a wrong
  // regular expression.
  static Result<std::optional<ValueForm>> parse(std::string_view text, bool plus);

  // A part of VALUE, or of SCRATCH, which it may overwrite.
  std::string_view apply(std::string_view value, std::string& scratch) const;

 private:
  enum class Kind : std::uint8_t {
    kWhole,
    kCut,         // one to three extensions off, the folder off, or both
    kExtension,   // {+.}: one to three extensions alone
    kFolder,      // {//}: as dirname
    kPlusFolder,  // {+/}: nothing where there is no folder
    kDefault,     // {:-text}
    kFrom,        // {:3}
    kRange,       // {:3:2}
    kCutStart,    // {#expression}
    kCutEnd,      // {%expression}
    kReplace,     // {/expression/text}
    kReplaceAll,  // {//expression/text}
    kUpper,       // {^expression}
    kUpperAll,
    kLower,  // {,expression}
    kLowerAll,
  };
  static Result<std::optional<ValueForm>> parse_expression(std::string_view text);
  // What matches EXPRESSION with BEFORE and BEHIND around it.
  static Result<std::optional<ValueForm>> with_expression(Kind kind, const char* before,
                                                          const std::string& expression, const char* behind);
  std::string_view substitute(std::string_view value, std::string& scratch) const;

  Kind kind_ = Kind::kWhole;
  bool base_ = false;            // kCut: the folder goes
  std::uint8_t extensions_ = 0;  // kCut, kExtension
  std::size_t from_ = 0, length_ = 0;
  std::string text_;  // kDefault, kReplace
  std::optional<Regex> regex_;
};

}  // namespace furrow::command
