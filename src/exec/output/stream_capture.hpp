// Catches one stream of one attempt through a pipe.
//
// A pipe and not a file: a program may open /dev/stdout anew, truncating, as often as it likes, and harms
// nothing of what was written before.
//
//   idle --open()--> reading --(no writer is left)--> closed --clear()--> idle
//                       +--------(finish())------------^
//
// - reading: the loop takes what comes, so that no writer waits for us longer than the loop does. What is
// more
//   than fits into a little memory goes to an unlinked file.
// - finish() takes what is in the pipe and does not wait for more. If somebody can still write, the pipe is
//   passed to LeftoverPipes.
// - clear() keeps the file, emptied, for the next attempt.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "exec/output/leftover_pipes.hpp"
#include "exec/output/output_sink.hpp"
#include "os/events/event_loop.hpp"
#include "os/files/spill.hpp"

namespace furrow::exec {

// What the captures of one executor have in common; outlives them.
struct CaptureTools {
  static constexpr std::size_t kPiece = 64 * 1024;  // what a pipe usually holds

  CaptureTools(os::EventLoop& the_loop, std::string the_folder, std::size_t most_leftovers,
               OutputSink* the_pieces)
      : loop(the_loop),
        folder(std::move(the_folder)),
        leftovers(the_loop, most_leftovers),
        pieces(the_pieces) {}

  os::EventLoop& loop;
  const std::string folder;  // for what is long; where nothing can be made there: /tmp
  LeftoverPipes leftovers;
  OutputSink* const pieces;  // gets what comes, as it comes; null: it is kept until the end
  const std::unique_ptr<char[]> piece = std::make_unique<char[]>(kPiece);
};

class StreamCapture {
 public:
  StreamCapture(CaptureTools& tools, bool is_err) : tools_(tools), is_err_(is_err), kept_(tools.folder) {}
  ~StreamCapture();
  StreamCapture(const StreamCapture&) = delete;
  StreamCapture& operator=(const StreamCapture&) = delete;

  Result<void> open(plan::JobId job);
  bool is_open() const { return write_fd_ >= 0; }
  int write_fd() const { return write_fd_; }
  void close_write_end();  // as soon as the attempt has its own
  void finish();
  void clear();

  CapturedStream content() const { return kept_.view(); }  // valid until something else is called
  os::Spill& kept() { return kept_; }                      // may be taken

 private:
  void on_readable(std::uint32_t events);
  // What a read left: perhaps more; nothing, for now; nothing ever, since nobody can write any more.
  enum class Taken : std::uint8_t { kSome, kAll, kEnd };
  Taken take(std::int64_t most);
  void keep(std::string_view piece);
  void close_read_end();
  void unwatch();

  CaptureTools& tools_;
  const bool is_err_;
  plan::JobId job_ = plan::kNoJob;
  int read_fd_ = -1, write_fd_ = -1;
  std::uint64_t watch_timer_ = 0;  // 0: the pipe is watched, or closed
  os::Spill kept_;
};

}  // namespace furrow::exec
