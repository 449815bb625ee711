// Where the input values of a `furrow map` come from, and how they are split.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace furrow::command {

// One `:::` group, or one file of `::::` or -a.
struct SourceSpec {
  bool is_file = false;
  // The values of `:::`.
  std::vector<std::string> values{};
  // The path of a file; "-" is standard input.
  std::string path{};
  // `:::+`, `::::+`: linked to the source before it.
  bool linked = false;
};

enum class Trim : std::uint8_t { kNone, kLeft, kRight, kBoth };

struct InputOptions {
  // If it is empty: standard input.
  std::vector<SourceSpec> sources{};
  // --link: takes one value of every source at a time; shorter sources start over.
  bool link = false;
  // -0, -d; for a -d of several characters see delimiter_text.
  char delimiter = '\n';
  // Used in place of `delimiter` if it is not empty.
  std::string delimiter_text{};
  // --colsep: a regular expression; with --csv one character.
  std::string column_separator{};
  bool csv = false;
  // --header :
  bool header = false;
  // --header 0: a source is named after its file.
  bool header_is_path = false;
  // -E
  std::optional<std::string> end_of_file{};
  // -r
  bool skip_blank = false;
  // -L: a line that ends in a blank continues in the next one.
  bool continue_lines = false;
  Trim trim = Trim::kNone;
  bool shuffle = false;
  // The same seed gives the same order.
  std::uint64_t shuffle_seed = 0;
};

// How many records one job takes.
struct InputBatchOptions {
  // -n, -N, -L; 0: as many as fit.
  std::uint64_t max_records = 1;
  // -s: bytes of the command; 0: as many as the system accepts.
  std::uint64_t max_length = 0;
  // -m, -X: the rest at the end of the input is spread over all slots.
  bool spread = false;
  // -x
  bool exit_if_too_long = false;
  unsigned slots = 1;
};

}  // namespace furrow::command
