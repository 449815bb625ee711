// The standard input of an attempt on another rank, passed on piece by piece: read on rank 0, written there.
// A window of bytes is under way at a time, so that nobody holds much of it. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

inline constexpr std::size_t kInputWindow = 256 * 1024;  // bytes of one attempt

// Rank 0's side. States: reading -> over (end of file, or nobody wants more).
class RankInputReader {
 public:
  // SEND gets each piece; an empty one at the end, once. LOOP is borrowed.
  RankInputReader(os::EventLoop& loop, plan::Launch::Stream input,
                  std::function<void(std::string_view piece)> send);
  ~RankInputReader();
  RankInputReader(const RankInputReader&) = delete;
  RankInputReader& operator=(const RankInputReader&) = delete;

  void read_on();
  void taken(std::size_t bytes);  // the other side has room for as many more

 private:
  void unwatch();

  os::EventLoop& loop_;
  const plan::Launch::Stream input_;
  const std::function<void(std::string_view piece)> send_;
  std::size_t under_way_ = 0;
  bool is_watched_ = false, is_over_ = false;
};

// The attempt's side: a pipe. States: open -> ending (all has come) -> closed; or broken: the attempt reads
// no more, and what comes is thrown away.
class RankInputWriter {
 public:
  // TAKEN is told how much the attempt, or nobody, has taken.
  RankInputWriter(os::EventLoop& loop, std::function<void(std::size_t bytes)> taken);
  ~RankInputWriter();
  RankInputWriter(const RankInputWriter&) = delete;
  RankInputWriter& operator=(const RankInputWriter&) = delete;

  plan::Launch::Stream take_read_end();  // null: there is no pipe to be had
  void write(std::string_view piece);
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
