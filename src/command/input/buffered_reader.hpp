// Reads a descriptor through one buffer, without ever waiting for a pipe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "command/input/input_source.hpp"

namespace furrow::command {

class BufferedReader {
 public:
  BufferedReader(int fd, std::string name, bool owned);
  ~BufferedReader();
  BufferedReader(const BufferedReader&) = delete;
  BufferedReader& operator=(const BufferedReader&) = delete;

  std::string_view buffered() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) { begin_ += bytes; }
  // kValue: the buffer holds more than before; views of it are invalid.
  Result<Pull> fill();
  int descriptor() const { return fd_; }
  const std::string& name() const { return name_; }

 private:
  bool is_ready() const;

  int fd_;
  std::string name_;
  bool owned_, can_block_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

// Opens the file that `::::` or -a names; "-" is standard input.
Result<std::unique_ptr<BufferedReader>> open_buffered(const std::string& path);

}  // namespace furrow::command
