// Where the captured output of an attempt goes once it has ended: shown whole, never mixed with another's.
#pragma once

#include <cstdint>
#include <string_view>

#include "exec/output/stream_writer.hpp"
#include "os/files/spill.hpp"
#include "plan/job_graph.hpp"

namespace furrow::exec {

using CapturedStream = os::SpillView;  // one stream of an attempt

// What one attempt printed; it belongs to the executor and is valid during the call.
struct CapturedOutput {
  plan::JobId job = plan::kNoJob;
  int attempt = 1;
  CapturedStream out{};  // of both streams, in the order in which they were written, where they are one
  CapturedStream err{};
  // What holds the two: moved out of here by who wants to keep it.
  os::Spill* out_held = nullptr;
  os::Spill* err_held = nullptr;
};

class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void show(const CapturedOutput& output) = 0;  // not called where nothing was printed
  // Whether both streams end in the same place, so that they are captured as one and their order is kept.
  // Must not change.
  virtual bool is_one_stream() const { return false; }

  // Whether output goes here as it comes, and not to show(). Must not change.
  virtual bool wants_pieces() const { return false; }
  virtual void on_piece(plan::JobId /*job*/, bool /*is_err*/, std::string_view /*piece*/) {}
};

// Copies to the engine's own standard output and error. A reader that has gone stops the copying, not the
// run.
class StandardOutputSink : public OutputSink {
 public:
  explicit StandardOutputSink(int out_fd = 1, int err_fd = 2);  // borrowed
  void show(const CapturedOutput& output) override;
  bool is_one_stream() const override { return is_one_stream_; }

 private:
  StreamWriter out_;
  StreamWriter err_;
  bool is_one_stream_;
};

}  // namespace furrow::exec
