// Where records end in a text: after `end`, before `start`, as SplitOptions say.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "command/input/record_splitter.hpp"
#include "text/regex.hpp"

namespace furrow::command {

class RecordMarks {
 public:
  static Result<RecordMarks> make(const SplitOptions& options);

  // The first position after FROM at which a record ends; npos if there is none. If more text FOLLOWS, an end
  // that touches the end of TEXT is not taken, since it could continue there.
  std::size_t first(std::string_view text, std::size_t from, bool follows) const;
  // The last position at which a record ends.
  std::size_t last(std::string_view text) const;
  // The last position after a multiple of COUNT records.
  std::size_t last_multiple(std::string_view text, std::uint64_t count) const;

  // Whether TEXT begins with something before the first record; that becomes a block of its own. Only with
  // regular expressions.
  bool begins_with_garbage(std::string_view text) const;
  // --rrs: BLOCK without the marks between, before and after its records.
  std::string without_marks(std::string_view block) const;

 private:
  std::size_t first_quoted(std::string_view text, std::size_t from) const;
  std::size_t last_quoted(std::string_view text) const;
  std::size_t last_match(std::string_view text) const;

  std::string start_, end_, mark_;  // mark_: end_ and then start_
  bool csv_ = false;
  std::optional<text::Regex> between_;  // the end, if the start follows it
  std::optional<text::Regex> joint_, leading_, trailing_;
};

}  // namespace furrow::command
