#include "command/input/record_marks.hpp"

#include <string.h>

#include <algorithm>

namespace furrow::command {

namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::size_t kWindow = 4096;

std::size_t find_byte(std::string_view text, char byte, std::size_t from) {
  if (from >= text.size()) return kNone;
  const void* const at = ::memchr(text.data() + from, byte, text.size() - from);
  return at ? static_cast<std::size_t>(static_cast<const char*>(at) - text.data()) : kNone;
}

// The last BYTE before END.
std::size_t find_last_byte(std::string_view text, char byte, std::size_t end) {
  const void* const at = ::memrchr(text.data(), byte, end);
  return at ? static_cast<std::size_t>(static_cast<const char*>(at) - text.data()) : kNone;
}

std::size_t quotes(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '"'));
}

}  // namespace

Result<RecordMarks> RecordMarks::make(const SplitOptions& options) {
  RecordMarks marks;
  marks.start_ = options.start;
  marks.end_ = options.end;
  marks.mark_ = options.end + options.start;
  marks.csv_ = options.csv;
  if (!options.regexp || options.csv) return marks;
  for (const std::string& expression : {options.start, options.end})
    if (auto regex = text::Regex::compile(expression); !regex)  // so that an error shows what the user wrote
      return fail(Error{"--recstart, --recend: " + regex.error().message});
  // ^ and $ match at lines, as in GNU parallel.
  const std::string start = "(?m:" + options.start + ")", end = "(?m:" + options.end + ")";
  for (const auto& [expression, into] :
       {std::pair("(" + end + ")(?=" + start + ")", &marks.between_), std::pair(end + start, &marks.joint_),
        std::pair("\\A" + start, &marks.leading_), std::pair(end + "\\z", &marks.trailing_)}) {
    auto regex = text::Regex::compile(expression);
    if (!regex) return fail(Error{"--recstart, --recend: " + regex.error().message});
    *into = std::move(*regex);
  }
  return marks;
}

std::size_t RecordMarks::first(std::string_view text, std::size_t from, bool follows) const {
  if (csv_) return first_quoted(text, from);
  if (between_) {
    for (auto match = between_->find(text, from); match; match = between_->find(text, match->end + 1)) {
      if (follows && match->group_end == text.size()) return kNone;
      if (match->group_end > from) return match->group_end;
      if (match->end >= text.size()) break;
    }
    return kNone;
  }
  if (mark_.empty()) return from < text.size() ? from + 1 : kNone;  // every byte is a record
  // A record that begins at the start of the text ends no other.
  const std::size_t begin = end_.empty() ? from + 1 : from;
  const std::size_t at = mark_.size() == 1 ? find_byte(text, mark_[0], begin) : text.find(mark_, begin);
  return at == kNone ? kNone : at + end_.size();
}

std::size_t RecordMarks::last(std::string_view text) const {
  if (csv_) return last_quoted(text);
  if (between_) return last_match(text);
  if (mark_.empty()) return text.size();
  const std::size_t at = mark_.size() == 1 ? find_last_byte(text, mark_[0], text.size()) : text.rfind(mark_);
  return at == kNone ? kNone : at + end_.size();
}

std::size_t RecordMarks::last_multiple(std::string_view text, std::uint64_t count) const {
  std::uint64_t found = 0;
  std::size_t last = kNone;
  for (std::size_t at = first(text, 0, true); at != kNone; at = first(text, at, true))
    if (++found % count == 0) last = at;
  return last;
}

// A newline inside quotes does not end a record.
std::size_t RecordMarks::first_quoted(std::string_view text, std::size_t from) const {
  bool inside = false;
  for (std::size_t begin = from;;) {
    const std::size_t at = find_byte(text, '\n', begin);
    if (at == kNone) return kNone;
    inside ^= quotes(text.substr(begin, at - begin)) % 2 == 1;
    if (!inside) return at + 1;
    begin = at + 1;
  }
}

std::size_t RecordMarks::last_quoted(std::string_view text) const {
  std::size_t count = quotes(text);
  for (std::size_t end = text.size();;) {
    const std::size_t at = find_last_byte(text, '\n', end);
    if (at == kNone) return kNone;
    count -= quotes(text.substr(at, end - at));
    if (count % 2 == 0) return at + 1;
    end = at;
  }
}

// Searches ever larger parts at the end of the text, so as not to search the whole block.
std::size_t RecordMarks::last_match(std::string_view text) const {
  for (std::size_t window = kWindow;; window *= 4) {
    const std::size_t begin = text.size() - std::min(window, text.size());
    std::size_t last = kNone;
    for (std::size_t at = begin; (at = first(text, at, false)) != kNone;) last = at;
    if (last != kNone || begin == 0) return last;
  }
}

bool RecordMarks::begins_with_garbage(std::string_view text) const {
  return leading_ && !start_.empty() && !leading_->find(text);
}

std::string RecordMarks::without_marks(std::string_view block) const {
  std::string text;
  if (!between_) {
    if (block.starts_with(start_)) block.remove_prefix(start_.size());
    if (block.ends_with(end_)) block.remove_suffix(end_.size());
    for (std::size_t at; !mark_.empty() && (at = block.find(mark_)) != kNone;
         block.remove_prefix(at + mark_.size()))
      text += block.substr(0, at);
    return text += block;
  }
  if (const auto start = leading_->find(block)) block.remove_prefix(start->end);
  if (const auto end = trailing_->find(block)) block = block.substr(0, end->begin);
  for (auto match = joint_->find(block); match && match->end > 0; match = joint_->find(block)) {
    text += block.substr(0, match->begin);
    block.remove_prefix(match->end);
  }
  return text += block;
}

}  // namespace furrow::command
