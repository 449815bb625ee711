// What is known of a batch that was given to a cluster, and of the jobs in it. Plain data of ClusterExecutor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exec/batch/batch_journal.hpp"
#include "exec/batch/batch_shelf.hpp"
#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/cluster_needs.hpp"

namespace furrow::exec {

// An attempt that the farm has started and that was not reported yet.
struct ClusterJob {
  plan::Attempt attempt;
  ClusterNeeds needs;
  int losses = 0;                     // batches that were gone before they began it
  bool is_interrupted = false;        // by interrupt(), as one that took too long
  std::optional<GroupNeeds> group{};  // until it is in a batch
  // those of its group that the farm has started meanwhile, by place
  std::vector<std::unique_ptr<ClusterJob>> mates{};
  std::optional<Allocation> own{};  // where `needs` are those of the group
};

struct FlightEntry {
  std::string key, name;
  std::uint64_t identity = 0;
  std::vector<std::uint32_t> after{};  // places of those that it needs
  std::unique_ptr<ClusterJob> job;     // null: nobody in this run asks for it (yet), or it was reported
  bool has_started = false;
  bool is_known = false;  // its end was read before somebody asked for the job
  bool is_lost = false;   // it will never end: its batch is gone, or was withdrawn
  std::optional<plan::Exit> end{};
  bool has_succeeded() const { return end && end->ok(); }
  // It will run, runs, or has run; else its end says that another one, which it needs, has failed.
  bool is_real() const { return end ? has_started || end->ok() : !is_lost; }
  JobOutput output{};
};

// One batch.
struct Flight {
  Flight(BatchFolder folder_in, std::uint32_t index_in)
      : folder(std::move(folder_in)), index(index_in), reader(folder.journal(index_in)) {}

  BatchFolder folder;
  std::uint32_t index;
  std::string name{};  // in the batch system; empty: not known
  std::string log{};
  JournalReader reader;
  bool is_group =
      false;  // then a failure is told once all of it has ended: what else it runs is not left behind
  std::vector<FlightEntry> entries{};
  std::string host{};
  std::int64_t written_ns = 0;        // when its batch was written, by the file system's clock
  bool has_begun = false;             // by its journal
  bool is_over = false;               // likewise; or it is gone
  int answers_gone = 0;               // in a row, with a silent journal
  int doubts = 0;                     // answers since a job's end became doubtful
  bool was_cancelled = false;         // by us
  std::optional<BatchState> state{};  // by the last answer that knew it
};

// "Slurm job 12_3 on n1".
std::string describe(const Flight& flight, const char* system);
// Why it has ended, in the batch system's words, or by what its log says of memory; may be empty.
std::string reason_of(const Flight& flight);
bool has_log(const Flight& flight);  // where we know it to be
// The end of its log, for people; may be empty.
std::string log_tail(const Flight& flight);

}  // namespace furrow::exec
