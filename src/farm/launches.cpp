#include "farm/launches.hpp"

#include <map>
#include <utility>
#include <vector>

#include "os/files/files.hpp"

namespace furrow::farm {

Launches::Launches(plan::JobSource& source) : source_(source), are_asked_ahead_(source.prepares_ahead()) {
  source_.set_prepare_listener(this);
}

Launches::~Launches() {
  source_.set_prepare_listener(nullptr);
  for (const auto& [job, launch] : here_) {
    if (launch && !launch->scratch.empty()) (void)os::remove_tree(launch->scratch);
  }
}

void Launches::grow(std::size_t jobs) { jobs_.grow(jobs); }

void Launches::next_attempt(plan::JobId job) {
  ++jobs_[job].attempt;
  jobs_[job].state = State::kUnasked;
}

void Launches::ask(std::span<const plan::JobId> jobs) {
  std::map<int, std::vector<plan::JobId>> wanted;  // by attempt: nearly always one
  for (const plan::JobId job : jobs) {
    if (jobs_[job].state != State::kUnasked) continue;
    jobs_[job].state = State::kAsked;
    wanted[jobs_[job].attempt].push_back(job);
  }
  for (const auto& [attempt, batch] : wanted) source_.prepare(batch, attempt);
}

bool Launches::can_prefetch(plan::JobId job) {
  if (jobs_[job].state != State::kHere) return false;
  jobs_[job].state = State::kPrefetched;
  return here_.at(job).has_value();
}

Result<plan::Launch> Launches::take(plan::JobId job) {
  jobs_[job].state = State::kTaken;
  if (!are_asked_ahead_) return plan::Launch{};
  auto node = here_.extract(job);
  return std::move(node.mapped());
}

void Launches::on_prepared(plan::JobId job, int attempt, Result<plan::Launch> launch) {
  if (job >= jobs_.size() || jobs_[job].state != State::kAsked || jobs_[job].attempt != attempt) return;
  jobs_[job].state = State::kHere;
  here_.insert_or_assign(job, std::move(launch));
}

}  // namespace furrow::farm
