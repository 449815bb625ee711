// A range of a file as a stream: a thread passes it through a pipe without copying it, as fast as it is read.
// For ranges of any size; the thread alone waits for disk and reader.
//
// States: feeding -> over (all is passed, or nobody reads any more, or the owner is gone). Destruction ends
// the thread wherever it is. Ignore SIGPIPE in the process that uses it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace furrow::os {

class RangePipe {
 public:
  // HEAD goes before the bytes from BEGIN to END of FILE, of which it is one of the owners.
  static Result<std::unique_ptr<RangePipe>> start(std::shared_ptr<const int> file, std::uint64_t begin,
                                                  std::uint64_t end, std::string head);
  ~RangePipe();
  RangePipe(const RangePipe&) = delete;
  RangePipe& operator=(const RangePipe&) = delete;

  int take_read_end();  // once: the caller closes it, as soon as the reader has its own

 private:
  struct State;
  explicit RangePipe(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The reading end of a pipe that holds HEAD and DATA, and nobody else's: nobody has to feed it. Negative
// where a pipe has no room for that much.
int loaded_pipe(std::string_view head, std::string_view data);

// A file without a name in memory, with TEXT in it. Negative: there is no memory.
int memory_file(std::string_view text);

}  // namespace furrow::os
