// Where the captured output of an attempt goes once it has ended: shown as a whole, never mixed with the
// output of another attempt.
#pragma once

#include <string_view>

#include "exec/output/stream_writer.hpp"
#include "os/files/spill.hpp"
#include "plan/job_graph.hpp"

namespace furrow::exec {

using CapturedStream = os::SpillView;  // one stream of an attempt

// What one attempt printed. Owned by the executor, valid during the call.
struct CapturedOutput {
  plan::JobId job = plan::kNoJob;
  int attempt = 1;
  CapturedStream out{};  // holds both streams, in the order in which they were written, if they are one
  CapturedStream err{};
  // The storage of the two streams: a sink that wants to keep the output moves it from here.
  os::Spill* out_held = nullptr;
  os::Spill* err_held = nullptr;
};

class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void show(const CapturedOutput& output) = 0;  // not called if nothing was printed
  // Whether both streams go to the same place, so that they are captured as one and their order is kept. The
  // answer must not change.
  virtual bool is_one_stream() const { return false; }

  // Whether output goes to on_output() as it comes, and not to show(). The answer must not change.
  virtual bool wants_live_output() const { return false; }
  virtual void on_output(plan::JobId /*job*/, bool /*is_err*/, std::string_view /*text*/) {}
};

// Copies to the engine's own standard output and error. If their reader has gone, the copying stops and the
// run goes on.
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
