// Catches what one attempt prints: one stream, or standard output and standard error apart. Used again for
// the next attempt.
#pragma once

#include <string>

#include "base/error.hpp"
#include "exec/output/stream_capture.hpp"

namespace furrow::exec {

class Capture {
 public:
  explicit Capture(CaptureTools& tools) : out_(tools, false), err_(tools, true) {}

  Result<void> open(bool one_stream, plan::JobId job = plan::kNoJob);
  // For the attempt, from open() on.
  int out_fd() const { return out_.write_fd(); }
  int err_fd() const { return err_.is_open() ? err_.write_fd() : out_.write_fd(); }
  void close_write_ends();  // the attempt has its own

  void finish();  // the attempt has ended: nothing that comes later is its output
  CapturedStream out() const { return out_.content(); }
  CapturedStream err() const { return err_.content(); }  // empty where both are one stream
  os::Spill& kept_out() { return out_.kept(); }
  os::Spill& kept_err() { return err_.kept(); }
  // The end of what was printed; standard error goes first where not both fit.
  std::string tail(std::size_t most) const;
  void clear();

 private:
  StreamCapture out_, err_;
};

}  // namespace furrow::exec
