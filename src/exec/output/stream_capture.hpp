// Captures one stream of one attempt through a pipe.
//
// It is a pipe and not a file because a program may reopen /dev/stdout with truncation, which would erase
// what was written to a file before.
//
//   idle --open()--> reading --(no writer is left)--> closed --clear()--> idle
//                       +--------(finish())------------^
//
// - reading: the loop reads what comes, so that a writer never waits long. Output that exceeds a small memory
//   buffer goes to an unlinked file.
// - finish() reads what is in the pipe and does not wait for more. If the pipe can still be written to, it is
//   passed to LeftoverPipes.
// - clear() empties the file and keeps it for the next attempt.
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

// Shared by all captures of one executor; outlives them.
struct CaptureTools {
  static constexpr std::size_t kPipeCapacity = 64 * 1024;  // what a pipe usually holds

  CaptureTools(os::EventLoop& the_loop, std::string the_folder, std::size_t most_leftovers,
               OutputSink* the_live_sink)
      : loop(the_loop),
        folder(std::move(the_folder)),
        leftovers(the_loop, most_leftovers),
        live_sink(the_live_sink) {}

  os::EventLoop& loop;
  const std::string folder;  // for long output; /tmp is used if no file can be created there
  LeftoverPipes leftovers;
  OutputSink* const live_sink;  // gets output as it comes; null: output is kept until the end
  const std::unique_ptr<char[]> buffer = std::make_unique<char[]>(kPipeCapacity);
};

class StreamCapture {
 public:
  StreamCapture(CaptureTools& tools, bool is_err) : tools_(tools), is_err_(is_err), kept_(tools.folder) {}
  ~StreamCapture();
  StreamCapture(const StreamCapture&) = delete;
  StreamCapture& operator=(const StreamCapture&) = delete;

  Result<void> open(plan::JobId job);
  bool is_open() const { return write_fd_ >= 0; }
  int failure_code() const { return failure_code_; }  // errno of the last open(); 0: it succeeded
  int write_fd() const { return write_fd_; }
  void close_write_end();  // call once the attempt has its own copy
  void finish();
  void clear();

  CapturedStream content() const { return kept_.view(); }  // valid until the next call
  os::Spill& kept() { return kept_; }                      // may be moved from

 private:
  void on_readable(std::uint32_t events);
  // What a read leaves in the pipe. kSome: perhaps more. kAll: nothing at present. kEnd: nothing, and no
  // writer is left.
  enum class Taken : std::uint8_t { kSome, kAll, kEnd };
  Taken take(std::int64_t most);
  void keep(std::string_view text);
  void close_read_end();
  void unwatch();

  CaptureTools& tools_;
  const bool is_err_;
  plan::JobId job_ = plan::kNoJob;
  int read_fd_ = -1, write_fd_ = -1;
  int failure_code_ = 0;
  std::uint64_t watch_timer_ = 0;  // 0: the pipe is watched, or closed
  os::Spill kept_;
};

}  // namespace furrow::exec
