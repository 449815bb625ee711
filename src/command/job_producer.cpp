#include "command/job_producer.hpp"

#include <utility>

namespace furrow::command {

ValueProducer::ValueProducer(std::unique_ptr<InputSource> inputs, bool with_identities)
    : inputs_(std::move(inputs)),
      identities_(with_identities ? std::make_unique<JobIdentities>() : nullptr) {}

Result<Pull> ValueProducer::next(MapJob& job) {
  Result<Pull> pulled = inputs_->next(job.values);
  if (pulled && *pulled == Pull::kValue && identities_) job.identity = identities_->next(job.values);
  return pulled;
}

Result<Pull> FailedJobProducer::next(MapJob& job) {
  if (next_ == jobs_.size()) return Pull::kEnd;
  const FailedJob& failed = jobs_[next_++];
  job.values.clear();
  job.values.add(failed.command);
  job.seq = failed.seq;
  job.key = failed.key;
  job.has_key = failed.has_key;
  return Pull::kValue;
}

}  // namespace furrow::command
