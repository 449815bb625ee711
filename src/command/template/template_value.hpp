// One form of a value: unchanged, without its extension, its folder, a part of it...
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "text/regex.hpp"

namespace furrow::command {

class ValueForm {
 public:
  // TEXT is what follows a position or name in the braces: "", ".", "/", "//", "/."; with PLUS also "..",
  // "+/", ":3", "%.gz"... nullopt if it is none of these; an error if it has a malformed regular expression.
  static Result<std::optional<ValueForm>> parse(std::string_view text, bool plus);

  // Returns a part of VALUE, or of SCRATCH, which it may overwrite.
  std::string_view apply(std::string_view value, std::string& scratch) const;

 private:
  enum class Kind : std::uint8_t {
    kWhole,
    kCut,         // without one to three extensions, without the folder, or both
    kExtension,   // {+.}: only one to three extensions
    kFolder,      // {//}: like dirname
    kPlusFolder,  // {+/}: empty if there is no folder
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
  // Matches EXPRESSION with BEFORE and BEHIND around it.
  static Result<std::optional<ValueForm>> with_expression(Kind kind, const char* before,
                                                          const std::string& expression, const char* behind);
  std::string_view substitute(std::string_view value, std::string& scratch) const;

  Kind kind_ = Kind::kWhole;
  bool base_ = false;            // kCut: drop the folder
  std::uint8_t extensions_ = 0;  // kCut, kExtension
  std::size_t from_ = 0, length_ = 0;
  std::string text_;  // kDefault, kReplace
  std::optional<text::Regex> regex_;
};

}  // namespace furrow::command
