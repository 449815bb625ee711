// Follows the batches that were submitted: reads their journals, asks the batch system about them, and
// decides when the end of a job is certain and when a batch is gone.
//
// - A batch is gone when two answers in a row say that it has ended, or do not know it, while its journal is
//   silent. A missing answer means nothing.
// - A doubtful end (by a signal, for example) is held until an answer gives the reason or says that the batch
//   goes on.
//
// Owns the batches. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/cancel_requests.hpp"
#include "exec/cluster/cluster_options.hpp"
#include "exec/cluster/submitted_batch.hpp"
#include "os/events/alarm.hpp"
#include "os/events/event_loop.hpp"

namespace furrow::exec {

class BatchMonitor {
 public:
  static constexpr double kSuspicion_s = 2;  // until the next question, if an end needs an explanation
  static constexpr double kCancelAsk_s = 1;

  class Listener {
   public:
    virtual ~Listener() = default;
    // The job has an attempt and an end, which is certain.
    virtual void on_end(SubmittedBatch& batch, SubmittedJob& entry) = 0;
    // The batch is gone; the jobs in it that have no end will never have one.
    virtual void on_gone(SubmittedBatch& batch) = 0;
    virtual void on_look() = 0;              // all journals were read, or the batch system has answered
    virtual bool is_running() const = 0;     // whether the farm waits for any job
    virtual bool is_cancelling() const = 0;  // ends then need no explanation
  };

  // All borrowed.
  BatchMonitor(os::EventLoop& loop, BatchSystem& system, const ClusterOptions& options,
               CancelRequests& cancels, Listener& listener);
  ~BatchMonitor();
  BatchMonitor(const BatchMonitor&) = delete;
  BatchMonitor& operator=(const BatchMonitor&) = delete;

  // All of this run, including those that have ended.
  const std::vector<std::unique_ptr<SubmittedBatch>>& batches() const { return batches_; }
  std::size_t in_flight() const;
  void add(std::unique_ptr<SubmittedBatch> batch) { batches_.push_back(std::move(batch)); }

  // Call when a batch was added, or a job in one is waited for.
  void begin();
  // Reads on in the journal of the batch. Returns whether there was anything new.
  bool read(SubmittedBatch& batch);
  void ask_in(double delay_s);  // or earlier

 private:
  void look_in(double delay_s);
  void look_at_journals();
  void report_known(SubmittedBatch& batch);
  void runs_in(SubmittedBatch& batch, const std::string& name);
  void ended(SubmittedBatch& batch, SubmittedJob& entry);

  void ask();
  void answered(BatchStates states);
  void judge(SubmittedBatch& batch, const BatchStates& states);
  void log_answer(const SubmittedBatch& batch, const BatchStates& states) const;
  void judge_doubtful(SubmittedBatch& batch);
  void gone(SubmittedBatch& batch);

  os::EventLoop& loop_;
  BatchSystem& system_;
  const ClusterOptions& options_;
  CancelRequests& cancels_;
  Listener& listener_;
  std::vector<std::unique_ptr<SubmittedBatch>> batches_;
  bool is_asking_ = false;
  double ask_delay_, look_delay_;
  os::Alarm ask_alarm_;
  std::uint64_t look_timer_ = 0;
};

}  // namespace furrow::exec
