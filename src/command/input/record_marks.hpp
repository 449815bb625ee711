// Where records end in a piece of text: behind `end`, before `start`, as SplitOptions say.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "command/input/record_splitter.hpp"
#include "command/regex.hpp"

namespace furrow::command {

class RecordMarks {
 public:
  static Result<RecordMarks> make(const SplitOptions& options);

  // The first place behind FROM at which a record ends; npos: none. Where more text may FOLLOW, an end
  // that touches the end of TEXT and could go on there is not taken.
  std::size_t first(std::string_view text, std::size_t from, bool follows) const;
  // The last one.
  std::size_t last(std::string_view text) const;
  // The last one behind a multiple of COUNT records.
  std::size_t last_multiple(std::string_view text, std::uint64_t count) const;

  // What stands before the first record, and is none: then it is a block of its own. Only with regular
  // expressions.
  bool begins_with_garbage(std::string_view text) const;
  // --rrs: a block without the marks between, before and behind its records.
  std::string without_marks(std::string_view block) const;

 private:
  std::size_t first_quoted(std::string_view text, std::size_t from) const;
  std::size_t last_quoted(std::string_view text) const;
  std::size_t last_match(std::string_view text) const;

  std::string start_, end_, mark_;  // mark_: end_ and then start_
  bool csv_ = false;
  std::optional<Regex> between_;  // the end, with the start looked for behind it
  std::optional<Regex> joint_, leading_, trailing_;
};

}  // namespace furrow::command
