// --pipe and --pipe-part: split a stream or a file into blocks of whole records.
//
// A record begins with `start` and ends with `end` (the default: a line). A block has about `block_bytes`, or
// exactly `records` records.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "command/input/input_source.hpp"

namespace furrow::command {

struct SplitOptions {
  // --block
  std::uint64_t block_bytes = 1 << 20;
  // -N: records in a block; 0: by size alone.
  std::uint64_t records = 0;
  // -L: lines in a record.
  std::uint64_t lines = 1;
  // --recstart
  std::string start{};
  // --recend
  std::string end = "\n";
  // --regexp: start and end are regular expressions.
  bool regexp = false;
  // --rrs
  bool remove_separators = false;
  // --header: repeated at the start of each block.
  std::uint64_t header_lines = 0;
  // A newline inside quotes does not end a record.
  bool csv = false;
};

// A block of whole records. It returns its memory to the splitter when it is destroyed.
class Block {
 public:
  std::string_view header() const;  // precedes the data; may be empty
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

// Reads a descriptor (borrowed). Never blocks: returns kNotYet, like InputSource. Memory: the blocks that are
// alive, and one more.
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

// --pipe-part: ranges of a file, each of whole records. Only the text around their borders is read.
struct FileRange {
  std::uint64_t begin, end;
};
// BLOCK_BYTES in OPTIONS is the intended size of a range. The header lines are in no range, but in `header`.
struct FileParts {
  std::vector<FileRange> ranges;
  std::string header;
};
Result<FileParts> split_file(const std::string& path, const SplitOptions& options);

}  // namespace furrow::command
