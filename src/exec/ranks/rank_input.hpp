// Passes standard input on to an attempt on another rank: rank 0 reads it, the other rank writes it. At most
// a window of bytes is in flight, so that neither side holds much of it. Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

inline constexpr std::size_t kInputWindow = 256 * 1024;  // bytes for one attempt

// Rank 0's side. States: reading -> over (end of file or error).
class RankInputReader {
 public:
  // SEND gets each part, and once, at the end, an empty one. LOOP is borrowed.
  RankInputReader(os::EventLoop& loop, plan::Launch::Stream input,
                  std::function<void(std::string_view data)> send);
  ~RankInputReader();
  RankInputReader(const RankInputReader&) = delete;
  RankInputReader& operator=(const RankInputReader&) = delete;

  void read_on();
  void taken(std::size_t bytes);  // the other side has room for this many more

 private:
  void unwatch();

  os::EventLoop& loop_;
  const plan::Launch::Stream input_;
  const std::function<void(std::string_view data)> send_;
  std::size_t in_flight_ = 0;
  bool is_watched_ = false, is_over_ = false;
};

// The attempt's side: a pipe. States: open -> ending (everything has arrived) -> closed; or broken: the
// attempt no longer reads, and what arrives is dropped.
class RankInputWriter {
 public:
  // Calls TAKEN with the number of bytes that were written to the pipe or dropped.
  RankInputWriter(os::EventLoop& loop, std::function<void(std::size_t bytes)> taken);
  ~RankInputWriter();
  RankInputWriter(const RankInputWriter&) = delete;
  RankInputWriter& operator=(const RankInputWriter&) = delete;

  plan::Launch::Stream take_read_end();  // null if no pipe could be made
  void write(std::string_view data);
  void end();

 private:
  void write_on();
  void close();

  os::EventLoop& loop_;
  const std::function<void(std::size_t bytes)> taken_;
  plan::Launch::Stream read_end_;
  int fd_ = -1;
  bool is_watched_ = false, is_ending_ = false;
  std::string pending_;
};

}  // namespace furrow::exec
