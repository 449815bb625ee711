// What is known about a batch that was submitted to a cluster, and about its jobs. ClusterExecutor and
// BatchMonitor share it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exec/batch/batch_journal.hpp"
#include "exec/batch/batch_spool.hpp"
#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/cluster_needs.hpp"

namespace furrow::exec {

// An attempt that the farm has started and that has not been reported yet.
struct ClusterJob {
  plan::Attempt attempt;
  ClusterNeeds needs;
  int losses = 0;                     // how many of its batches were gone before they began it
  bool is_interrupted = false;        // by interrupt(), because it took too long
  std::optional<GroupNeeds> group{};  // of a leader, until it is in a batch
  // by index into group->members: the members that the farm has started in the meantime; else null
  std::vector<std::unique_ptr<ClusterJob>> members{};
  std::optional<Allocation> own{};  // the leader's own needs, while `needs` holds those of the group
};

struct SubmittedJob {
  std::string key, name;
  std::uint64_t identity = 0;
  std::vector<std::uint32_t> after{};  // indices of the entries that it needs
  bool is_in_gang = false;          // it runs at once with others: alone it would wait for them without end
  std::unique_ptr<ClusterJob> job;  // null: the farm has not started it in this run, or it was reported
  bool has_started = false;
  bool is_placed = false;  // its machine was told to the farm
  bool is_known = false;   // its end was read before the farm started the job
  bool is_lost = false;    // it will never end: its batch is gone or was withdrawn
  std::optional<plan::Exit> end{};
  bool has_succeeded() const { return end && end->ok(); }
  // Whether it will run, runs or has run. Otherwise it was lost, or its end says that a job it needs failed.
  bool is_real() const { return end ? has_started || end->ok() : !is_lost; }
  JobOutput output{};
};

// What the batch system's answers in a row say, against a batch that should run.
struct Silence {
  int ended = 0;        // answers that it has ended
  int unknown = 0;      // answers that do not list it
  int requeued = 0;     // answers that it waits, although it had begun
  double since_s = -1;  // when the first of them came; -1: none did
};

// One batch.
struct SubmittedBatch {
  SubmittedBatch(BatchFolder folder_in, std::uint32_t index_in)
      : folder(std::move(folder_in)), index(index_in), reader(folder.journal(index_in)) {}

  bool is_open() const;     // the end of some job is still to come
  bool is_holding() const;  // it holds ends that were not reported yet
  bool is_wanted() const;   // this run waits for one of its jobs
  // Its journal is followed: that of a group is, even while the farm waits for none of its jobs.
  bool is_monitored() const;
  bool was_ended_by(BatchState::EndedBy who) const;
  // Takes the claim of the batch. Returns whether that succeeded, so that the batch will never begin.
  bool withdraw();

  BatchFolder folder;
  std::uint32_t index;
  std::string name{};  // in the batch system; empty: not known
  std::string log{};
  JournalReader reader;
  // A failure in a group is reported when all its jobs have ended, so that the run does not end before them.
  bool is_group = false;
  std::vector<SubmittedJob> entries{};
  std::string host{};
  std::int64_t written_ns = 0;  // when its spec was written, by the file system's clock
  bool has_journal = false;     // it was seen in the folder
  bool has_begun = false;       // according to its journal
  bool is_over = false;         // according to its journal, or because it is gone
  Silence silence{};            // while its journal is silent
  int doubts = 0;               // answers since a job's end became doubtful
  bool was_cancelled = false;   // by this engine, as the user wishes
  bool was_given_up = false;    // cancelled by this engine, since the system did not know it for too long
  std::optional<BatchState> state{};  // from the last answer that knew it
};

// For messages: "Slurm job 12_3 on n1".
std::string describe(const SubmittedBatch& batch, const char* system);
// Why it has ended: the batch system's state, or what its log says about memory, time or node; may be empty.
std::string reason_of(const SubmittedBatch& batch);
bool has_log(const SubmittedBatch& batch);  // whether its log is known and exists
// The end of its log, formatted for a message; may be empty.
std::string log_tail(const SubmittedBatch& batch);

}  // namespace furrow::exec
