#include "command/input/input_columns.hpp"

#include <algorithm>

namespace furrow::command {

namespace {

constexpr std::string_view kSpace = " \t\n\r\f\v";

}  // namespace

std::string_view trimmed(std::string_view value, Trim trim) {
  if (trim == Trim::kLeft || trim == Trim::kBoth)
    value.remove_prefix(std::min(value.find_first_not_of(kSpace), value.size()));
  if (trim == Trim::kRight || trim == Trim::kBoth)
    value = value.substr(0, value.find_last_not_of(kSpace) + 1);
  return value;
}

Result<ColumnSplitter> ColumnSplitter::make(const InputOptions& options) {
  ColumnSplitter splitter;
  splitter.trim_ = options.trim;
  if (options.column_separator.empty() || options.csv) return splitter;
  splitter.splits_ = true;
  if (const auto literal = text::Regex::literal(options.column_separator)) {
    splitter.separator_ = *literal;
    return splitter;
  }
  auto regex = text::Regex::compile(options.column_separator);
  if (!regex) return fail(Error{"--colsep: " + regex.error().message});
  splitter.regex_ = std::move(*regex);
  return splitter;
}

void ColumnSplitter::split(std::string_view record, Arguments& out) const {
  if (!splits_) return out.add(trimmed(record, trim_));
  std::size_t begin = 0;
  for (std::size_t from = 0; from <= record.size();) {
    std::size_t at, end;
    if (regex_) {
      const auto match = regex_->find(record, from);
      if (!match) break;
      at = match->begin;
      end = match->end;
      if (at == end) {  // an empty match splits only between two characters
        from = end + 1;
        if (at == 0 || at == record.size()) continue;
      } else {
        from = end;
      }
    } else {
      at = record.find(separator_, from);
      if (at == std::string_view::npos) break;
      end = from = at + separator_.size();
    }
    out.add(trimmed(record.substr(begin, at - begin), trim_));
    begin = end;
  }
  out.add(trimmed(record.substr(begin), trim_));
}

}  // namespace furrow::command
