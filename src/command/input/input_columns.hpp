// Splits a record into columns: --colsep, --trim. (For --csv see input_csv.hpp.)
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "command/arguments.hpp"
#include "command/input/input_options.hpp"
#include "text/regex.hpp"

namespace furrow::command {

class ColumnSplitter {
 public:
  static Result<ColumnSplitter> make(const InputOptions& options);
  void split(std::string_view record, Arguments& out) const;  // appends

 private:
  Trim trim_ = Trim::kNone;
  bool splits_ = false;
  std::string separator_;  // used if it needs no regular expression
  std::optional<text::Regex> regex_;
};

std::string_view trimmed(std::string_view value, Trim trim);

}  // namespace furrow::command
