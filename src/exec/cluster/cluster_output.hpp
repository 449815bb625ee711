// Shows what jobs of a cluster have printed, from their batches' journals and files, as if they had run here.
// Not thread-safe.
#pragma once

#include <string>
#include <utility>

#include "exec/cluster/submitted_batch.hpp"
#include "exec/output/output_sink.hpp"

namespace furrow::exec {

class ClusterOutput {
 public:
  // SCRATCH is a folder for output that is too long for memory. The sink is borrowed, and may be null.
  ClusterOutput(OutputSink* sink, std::string scratch) : sink_(sink), scratch_(std::move(scratch)) {}

  bool is_one_stream() const { return sink_ != nullptr && sink_->is_one_stream(); }
  // Shows what the job printed, and keeps the end of it in EXIT.
  void show(plan::Exit& exit, const SubmittedBatch& batch, const JobOutput& output) const;
  void say_it_is_repeated(const ClusterJob& job, const SubmittedBatch& batch, const char* system) const;
  void say_node_is_left_out(const ClusterJob& job, const SubmittedBatch& batch, const char* system,
                            const std::string& node) const;

 private:
  void say(const ClusterJob& job, const std::string& text) const;
  void show(plan::JobId job, int attempt, os::Spill& out, os::Spill& err) const;

  OutputSink* sink_;
  std::string scratch_;
};

}  // namespace furrow::exec
