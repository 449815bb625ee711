// Puts planned batches on the disk, where the nodes find them: the file of each batch, and the script that is
// given to the batch system.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exec/batch/batch_file.hpp"
#include "exec/batch/batch_shelf.hpp"
#include "exec/cluster/batch_planner.hpp"
#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/cluster_flight.hpp"
#include "exec/cluster/cluster_needs.hpp"
#include "exec/cluster/cluster_options.hpp"

namespace furrow::exec {

// What was written, or was to be, and holds the jobs.
struct WrittenBatches {
  BatchFolder folder;  // without a path: none could be made
  std::vector<std::unique_ptr<Flight>> flights;
};

class BatchWriter {
 public:
  using Job = std::unique_ptr<ClusterJob>;

  // All borrowed. ONE_STREAM: what a job prints as errors lies among the rest.
  BatchWriter(const ClusterOptions& options, BatchShelf& shelf, NeedsSource& needs, bool one_stream)
      : options_(options), shelf_(shelf), needs_(needs), one_stream_(one_stream) {}

  // JOBS: those of each batch. All of them are in WRITTEN then, also where this fails.
  Result<Submission> write(const PlannedSubmission& planned, std::vector<std::vector<Job>> jobs,
                           WrittenBatches& written);

 private:
  Submission submission_of(const PlannedSubmission& planned, const ClusterJob& first) const;
  Result<NeedsSource::Words> words_for(const ClusterJob& job);
  Batch fill(Flight& flight, const PlannedSubmission& planned, std::vector<Job> jobs) const;
  void add_job(Flight& flight, Batch& batch, const plan::Attempt& attempt, const ClusterNeeds& needs,
               const Allocation* share) const;
  void add_group(Flight& flight, Batch& batch, Job leader) const;
  Result<void> write_script(const Submission& submission, const std::string& properties) const;

  const ClusterOptions& options_;
  BatchShelf& shelf_;
  NeedsSource& needs_;
  const bool one_stream_;
};

}  // namespace furrow::exec
