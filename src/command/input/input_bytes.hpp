// Bytes of a descriptor through one buffer, without ever waiting for a pipe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "command/input/input_source.hpp"

namespace furrow::command {

class ByteReader {
 public:
  ByteReader(int fd, std::string name, bool owned);
  ~ByteReader();
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  std::string_view buffered() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) { begin_ += bytes; }
  // kValue: there is more in the buffer than before; views of it are void.
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

// Of the file that `::::` or -a names; "-": standard input.
Result<std::unique_ptr<ByteReader>> open_bytes(const std::string& path);

}  // namespace furrow::command
