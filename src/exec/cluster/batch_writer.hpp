// Writes planned batches to the shared file system, where the nodes find them: the spec of each batch, and
// the script that is submitted.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exec/batch/batch_spec.hpp"
#include "exec/batch/batch_spool.hpp"
#include "exec/cluster/batch_planner.hpp"
#include "exec/cluster/batch_system.hpp"
#include "exec/cluster/cluster_needs.hpp"
#include "exec/cluster/cluster_options.hpp"
#include "exec/cluster/submitted_batch.hpp"

namespace furrow::exec {

// The batches that were written, or should have been. Owns their jobs.
struct WrittenBatches {
  BatchFolder folder;  // its path is empty if the folder could not be created
  std::vector<std::unique_ptr<SubmittedBatch>> batches;
};

class BatchWriter {
 public:
  using JobPtr = std::unique_ptr<ClusterJob>;

  // All borrowed. `one_stream`: standard output and standard error of a job are captured as one.
  BatchWriter(const ClusterOptions& options, const BatchSystem& system, BatchSpool& spool, NeedsSource& needs,
              bool one_stream)
      : options_(options), system_(system), spool_(spool), needs_(needs), one_stream_(one_stream) {}

  // `jobs` holds the jobs of each batch. They all move to `written`, even if this fails.
  Result<Submission> write(const PlannedSubmission& planned, std::vector<std::vector<JobPtr>> jobs,
                           WrittenBatches& written);

 private:
  Submission submission_of(const PlannedSubmission& planned, const ClusterJob& first) const;
  Result<NeedsSource::Words> words_for(const ClusterJob& job);
  BatchSpec fill(SubmittedBatch& batch, const PlannedSubmission& planned, std::vector<JobPtr> jobs) const;
  void add_job(SubmittedBatch& batch, BatchSpec& spec, const plan::Attempt& attempt,
               const ClusterNeeds& needs, const Allocation* share) const;
  void add_group(SubmittedBatch& batch, BatchSpec& spec, JobPtr leader) const;
  Result<void> write_script(const Submission& submission, const std::string& properties) const;

  const ClusterOptions& options_;
  const BatchSystem& system_;
  BatchSpool& spool_;
  NeedsSource& needs_;
  const bool one_stream_;
};

}  // namespace furrow::exec
