#include "farm/launches.hpp"

#include <map>
#include <utility>

#include "os/files.hpp"

namespace furrow::farm {

Launches::Launches(plan::JobSource& source) : source_(source) { source_.set_prepare_listener(this); }

Launches::~Launches() {
  source_.set_prepare_listener(nullptr);
  for (const auto& [job, launch] : here_) {
    if (launch && !launch->scratch.empty()) (void)os::remove_tree(launch->scratch);
  }
}

void Launches::grow(std::size_t jobs) {
  states_.resize(jobs, State::kUnasked);
  attempts_.resize(jobs, 1);
}

void Launches::next_attempt(plan::JobId job) {
  ++attempts_[job];
  states_[job] = State::kUnasked;
}

void Launches::ask(std::span<const plan::JobId> jobs) {
  std::map<int, std::vector<plan::JobId>> wanted;  // by attempt: nearly always one
  for (const plan::JobId job : jobs) {
    if (states_[job] != State::kUnasked) continue;
    states_[job] = State::kAsked;
    wanted[attempts_[job]].push_back(job);
  }
  for (const auto& [attempt, batch] : wanted) source_.prepare(batch, attempt);
}

Result<plan::Launch> Launches::take(plan::JobId job) {
  auto node = here_.extract(job);
  states_[job] = State::kTaken;
  return std::move(node.mapped());
}

void Launches::on_prepared(plan::JobId job, int attempt, Result<plan::Launch> launch) {
  if (job >= states_.size() || states_[job] != State::kAsked || attempts_[job] != attempt) return;
  states_[job] = State::kHere;
  here_.insert_or_assign(job, std::move(launch));
}

}  // namespace furrow::farm
