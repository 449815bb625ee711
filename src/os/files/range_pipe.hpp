// A range of a file as a stream: a thread splices it into a pipe without copying it, as fast as the reader
// reads. For ranges of any size; only that thread waits for disk and reader.
//
// States: feeding -> over (everything is passed on, or there is no reader left, or the owner is destroyed).
// The destructor ends the thread at any point. The process that uses it must ignore SIGPIPE.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace furrow::os {

class RangePipe {
 public:
  // The stream is HEAD followed by the bytes from BEGIN to END of FILE. Shares the ownership of FILE.
  static Result<std::unique_ptr<RangePipe>> start(std::shared_ptr<const int> file, std::uint64_t begin,
                                                  std::uint64_t end, std::string head);
  ~RangePipe();
  RangePipe(const RangePipe&) = delete;
  RangePipe& operator=(const RangePipe&) = delete;

  // Call it once. The caller closes the descriptor, as soon as the reader has its own.
  int take_read_end();

 private:
  struct State;
  explicit RangePipe(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The read end of a pipe that already holds HEAD and DATA, so that no thread has to write them. Negative if a
// pipe cannot hold that much.
int loaded_pipe(std::string_view head, std::string_view data);

// An unnamed file in memory that contains TEXT. Negative if memory is short.
int memory_file(std::string_view text);

}  // namespace furrow::os
