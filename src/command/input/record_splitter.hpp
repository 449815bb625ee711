// --pipe and --pipe-part: a stream or a file cut into blocks of whole records.
//
// A record begins with `start` and ends with `end` (the default: a line). A block has about `block_bytes`, or
// exactly `records` records.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "command/input/input_source.hpp"

namespace furrow::command {

struct SplitOptions {
  std::uint64_t block_bytes = 1 << 20;  // --block
  std::uint64_t records = 0;            // -N: records in a block; 0: by size alone
  std::uint64_t lines = 1;              // -L: lines in a record
  std::string start{};                  // --recstart
  std::string end = "\n";               // --recend
  bool regexp = false;                  // --regexp: start and end are regular expressions
  bool remove_separators = false;       // --rrs
  std::uint64_t header_lines = 0;       // --header: repeated at the start of each block
  bool csv = false;                     // a line end inside of quotes ends no record
};

// Memory of a block, given back to the splitter's pool when it is dropped.
class Block {
 public:
  std::string_view header() const;  // goes before the data; empty where there is none
  std::string_view data() const;    // valid as long as the block
  Block();
  Block(Block&&) noexcept;
  Block& operator=(Block&&) noexcept;
  ~Block();

 private:
  friend class RecordSplitter;
  struct Memory;
  std::shared_ptr<Memory> memory_;
  std::size_t begin_ = 0, end_ = 0;
  std::shared_ptr<const std::string> header_;
};

// Reads a descriptor (borrowed). Never blocks: kNotYet, as in InputSource. Memory: the blocks that are alive,
// and one more.
class RecordSplitter {
 public:
  RecordSplitter(int fd, SplitOptions options);
  ~RecordSplitter();
  Result<Pull> next(Block& out);
  int descriptor() const { return fd_; }

 private:
  struct State;
  int fd_;
  std::unique_ptr<State> state_;
};

// --pipe-part: ranges of a file, each of whole records, found by reading only around the borders.
struct FileRange {
  std::uint64_t begin, end;
};
// BLOCK_BYTES in OPTIONS is the wanted size of a range. Header lines are in no range; the header is `header`.
struct FileParts {
  std::vector<FileRange> ranges;
  std::string header;
};
Result<FileParts> split_file(const std::string& path, const SplitOptions& options);

}  // namespace furrow::command
