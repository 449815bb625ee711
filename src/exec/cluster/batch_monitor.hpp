// Follows the batches that were submitted: reads their journals, asks the batch system about them, and
// decides when the end of a job is certain and when a batch is gone.
//
// - A batch is gone when two answers in a row say that it has ended, while its journal is silent. A missing
//   answer means nothing, and so does an answer that does not list the batch: then the records of the system
//   are asked, where only an end counts. If nobody knows the batch for a long time, it is cancelled; once that
//   is done, and it still is not listed, it is gone.
// - A batch that has ended without a journal may have one that the file system shows late.
// - A doubtful end (by a signal, for example) is held until an answer gives the reason or says that the batch
//   goes on.
//
// Owns the batches. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
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
    // The job has an attempt, and has begun.
    virtual void on_begun(const SubmittedBatch& batch, const SubmittedJob& entry) = 0;
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
  // Reads on in the journals of batches. One object serves one round: it looks into each folder once.
  class Reading {
   public:
    explicit Reading(BatchMonitor& monitor) : monitor_(monitor) {}
    bool read(SubmittedBatch& batch);  // whether there was anything new

   private:
    BatchMonitor& monitor_;
    std::map<std::string, std::set<std::uint32_t>> journals_;  // by folder
  };
  void ask_in(double delay_s);  // or earlier

 private:
  void look_in(double delay_s);
  void look_at_journals();
  void report_known(SubmittedBatch& batch);
  void runs_in(SubmittedBatch& batch, const std::string& own_name);
  void ended(SubmittedBatch& batch, SubmittedJob& entry);

  void take_in(SubmittedBatch& batch, const JournalEvent& event);

  void ask();
  void answered(const BatchStates& states);
  void remembered(const BatchStates& states);
  void ask_again();
  void judge(SubmittedBatch& batch, const BatchStates& states);
  void judge_ended(SubmittedBatch& batch);
  void judge_requeued(SubmittedBatch& batch);
  void judge_unknown(SubmittedBatch& batch, const BatchStates& records);
  void give_up(SubmittedBatch& batch);
  bool is_judged(const SubmittedBatch& batch) const;
  void log_answer(const SubmittedBatch& batch, const BatchStates& states) const;
  void judge_doubtful(SubmittedBatch& batch, bool is_listed);
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
