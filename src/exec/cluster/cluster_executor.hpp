// Runs attempts on a cluster: collects them into batches, submits these, follows their journals.
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
// - submitting: its batch is on the disk, the batch system was told and has not answered. One at a time.
// - gone: two answers in a row say that the batch has ended or do not know it, while its journal is silent.
// No
//   answer means nothing.
// - An end by a signal is held until an answer says why, or that the batch goes on.
//
// What was submitted goes on when this object is destroyed without cancel_all(): a later engine adopts it.
// Before an engine gives up a batch that has not begun it takes its claim, so that it never begins.
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
#include "plan/under_way.hpp"

namespace furrow::exec {

class ClusterExecutor : public plan::Executor, public plan::UnderWay {
 public:
  // All borrowed but for SYSTEM; SINK may be null.
  ClusterExecutor(os::EventLoop& loop, std::unique_ptr<BatchSystem> system, NeedsSource& needs,
                  OutputSink* sink, ClusterOptions options);
  ~ClusterExecutor() override;

  // Takes over what earlier engines have left in flight; before the first start. IS_OPEN: whether it is not
  // known yet how the job of a key has ended; without it, of none.
  void adopt(const std::function<bool(const std::string& key)>& is_open = {});
  // The run is over and recorded: folders of batches that nobody needs any more are removed, those of jobs
  // that failed stay for their logs. IS_OPEN: whether the record of a key still says that its job runs.
  void finish(const std::function<bool(const std::string& key)>& is_open);
  std::size_t submissions() const;
  std::size_t in_flight() const;  // batches

  void set_listener(plan::ExitListener* listener) override;
  std::size_t max_running() const override { return 10'000'000; }
  void start(plan::Attempt attempt) override;
  std::size_t running() const override;
  void cancel_all(plan::Stop how) override;
  void interrupt(plan::JobId job, bool timed_out) override;  // where it shares its batch with others: nothing

  Answer look(const Question& question) override;
  bool has_succeeded(const std::string& key) const override;
  std::string describe(const std::string& key) const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace furrow::exec
