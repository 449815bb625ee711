// What a run shows to people: a bar on a terminal, plain lines elsewhere; for each failed job, everything
// that helps to fix it.
//
// Writes to standard error. Not thread-safe.
#pragma once

#include <string>

#include "cli/bar.hpp"
#include "exec/output/output_sink.hpp"
#include "os/events/event_loop.hpp"
#include "plan/event.hpp"
#include "workflow/workflow_source.hpp"

namespace furrow::cli {

struct ProgressOptions {
  bool quiet_progress = false;  // no lines about jobs that start or succeed
  bool quiet_all = false;       // only errors
  bool print_commands = false;
  bool whole_logs = false;  // of failed jobs, and not only their ends
  // A file to which everything is written too; empty: none.
  std::string log_path;
};

class Progress final : public plan::EventSink, public exec::OutputSink {
 public:
  Progress(const workflow::WorkflowSource& source, os::EventLoop& loop, ProgressOptions options);
  ~Progress() override;

  void on_event(const plan::Event& event) override;
  void show(const exec::CapturedOutput& output) override;
  bool is_one_stream() const override { return standard_.is_one_stream(); }

 private:
  void started(const plan::Event& event);
  void finished(const plan::Event& event);
  void grown(const plan::Event& event);
  void failed(const plan::Event& event);
  std::string title(plan::JobId job) const;
  void print(const std::string& text);
  void print(const std::string& text, const std::string& shown);

  const workflow::WorkflowSource& source_;
  ProgressOptions options_;
  exec::StandardOutputSink standard_;
  bool on_terminal_;
  Bar bar_;
  std::size_t total_ = 0;
  double last_line_ = 0;
  int log_fd_ = -1;
};

}  // namespace furrow::cli
