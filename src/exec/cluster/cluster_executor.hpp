// Runs attempts on a cluster: collects them into batches, submits the batches and follows their journals.
//
// States of an attempt:
//
//   waiting --> submitting --> submitted --> running --> reported
//      ^            |              |            |           ^
//      |            +--(refused)---|------------|-----------+
//      +--(its batch is gone, and had not begun it)         |
//                                  +--(gone: it had begun)--+
//
// - waiting: until the planner puts it into a batch, for which there must be room in the queue.
// - submitting: its batch is on the disk and the submit command has not answered yet. One submission at a
//   time.
// - gone: two answers in a row say that the batch has ended or do not know it, while its journal is silent. A
//   missing answer means nothing.
// - An end by a signal is held until an answer gives the reason or says that the batch goes on.
//
// If this object is destroyed without cancel_all(), submitted batches go on and a later engine adopts them.
// Before an engine gives up a batch that has not begun, it takes the batch's claim, so that it never begins.
// Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/cluster_needs.hpp"
#include "exec/cluster/cluster_options.hpp"
#include "exec/output/output_sink.hpp"
#include "os/events/event_loop.hpp"
#include "plan/executor.hpp"
#include "plan/in_flight_jobs.hpp"

namespace furrow::exec {

class ClusterExecutor : public plan::Executor, public plan::InFlightJobs {
 public:
  // All borrowed except `system`; `sink` may be null.
  ClusterExecutor(os::EventLoop& loop, std::unique_ptr<BatchSystem> system, NeedsSource& needs,
                  OutputSink* sink, ClusterOptions options);
  ~ClusterExecutor() override;

  // Adopts the batches that earlier engines have left in flight; call before the first start. `is_open` says
  // whether it is not known yet how the job with a key has ended; without it, that holds for every job.
  void adopt(const std::function<bool(const std::string& key)>& is_open = {});
  // Call when the run is over and recorded. Removes the folders of batches that are no longer needed; those
  // with failed jobs are kept for their logs. `is_open` says whether the record of a key still says that its
  // job runs.
  void finish(const std::function<bool(const std::string& key)>& is_open);
  std::size_t submissions() const;
  std::size_t in_flight() const;  // batches

  void set_listener(plan::ExitListener* listener) override;
  std::size_t max_running() const override { return 10'000'000; }
  void start(plan::Attempt attempt) override;
  std::size_t running() const override;
  void cancel_all(plan::Stop how) override;
  void interrupt(plan::JobId job, bool timed_out) override;  // ignored for a job that shares its batch

  Answer look(const Question& question) override;
  bool has_succeeded(const std::string& key) const override;
  std::string describe(const std::string& key) const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace furrow::exec
