// Captures what one attempt prints, as one stream or as separate standard output and standard error. After
// clear() it serves the next attempt.
#pragma once

#include <string>

#include "base/error.hpp"
#include "exec/output/stream_capture.hpp"

namespace furrow::exec {

class Capture {
 public:
  explicit Capture(CaptureTools& tools) : out_(tools, false), err_(tools, true) {}

  Result<void> open(bool one_stream, plan::JobId job = plan::kNoJob);
  // errno of the last open(); 0: it succeeded.
  int failure_code() const { return out_.failure_code() != 0 ? out_.failure_code() : err_.failure_code(); }
  // The descriptors that the attempt writes to; valid after open().
  int out_fd() const { return out_.write_fd(); }
  int err_fd() const { return err_.is_open() ? err_.write_fd() : out_.write_fd(); }
  void close_write_ends();  // call once the attempt has its own copies

  void finish();  // the attempt has ended: what is written later is not its output
  CapturedStream out() const { return out_.content(); }
  CapturedStream err() const { return err_.content(); }  // empty if both are one stream
  os::Spill& kept_out() { return out_.kept(); }
  os::Spill& kept_err() { return err_.kept(); }
  // The end of what was printed; standard error has precedence if not both fit.
  std::string tail(std::size_t most) const;
  void clear();

 private:
  StreamCapture out_, err_;
};

}  // namespace furrow::exec
