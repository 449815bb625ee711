// Where the input values of a `furrow map` come from, and how they are cut.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace furrow::command {

// One `:::` group, or one file of `::::` or -a.
struct SourceSpec {
  bool is_file = false;
  std::vector<std::string> values{};  // of `:::`
  std::string path{};                 // of a file; "-" is standard input
  bool linked = false;                // `:::+`, `::::+`: goes along with the source before it
};

enum class Trim : std::uint8_t { kNone, kLeft, kRight, kBoth };

struct InputOptions {
  std::vector<SourceSpec> sources{};  // none: standard input
  bool link = false;                  // --link: all sources in step, shorter ones start over
  char delimiter = '\n';              // -0, -d; -d with several characters: see delimiter_text
  std::string delimiter_text{};       // used in place of `delimiter` when not empty
  std::string column_separator{};     // --colsep: a regular expression; with --csv the one character
  bool csv = false;
  bool header = false;                       // --header :
  bool header_is_path = false;               // --header 0: a source is named by its file
  std::optional<std::string> end_of_file{};  // -E
  bool skip_blank = false;                   // -r
  bool continue_lines = false;               // -L: a line that ends in a blank goes on in the next one
  Trim trim = Trim::kNone;
  bool shuffle = false;
  std::uint64_t shuffle_seed = 0;  // the same seed, the same order
};

// How many records one job takes.
struct BatchOptions {
  std::uint64_t max_records = 1;  // -n, -N, -L; 0: as many as fit
  std::uint64_t max_length = 0;   // -s: bytes of the command; 0: what the system takes
  bool spread = false;            // -m, -X: what is left at the end of input is spread over all slots
  bool exit_if_too_long = false;  // -x
  unsigned slots = 1;
};

}  // namespace furrow::command
