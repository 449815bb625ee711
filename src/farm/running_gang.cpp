#include "farm/running_gang.hpp"

#include <algorithm>
#include <utility>

namespace furrow::farm {

using plan::Exit;
using plan::JobId;

std::string ended_with(const std::string& culprit, const Exit* how) {
  std::string text = "it counts as failed, because " + culprit + ", with which it runs at once, has failed";
  if (how == nullptr || !how->error.empty()) return text;
  return text + (how->signal != 0 ? " (signal " + std::to_string(how->signal) + ")"
                                  : " (exit code " + std::to_string(how->status) + ")");
}

RunningGang::RunningGang(const plan::JobGraph::Gang& gang, int attempt, std::vector<Start> starts)
    : gang_(gang), attempt_(attempt) {
  for (Start& start : starts) members_.push_back({std::move(start)});
}

std::size_t RunningGang::count(State state) const {
  return static_cast<std::size_t>(
      std::count_if(members_.begin(), members_.end(), [&](const Member& m) { return m.state == state; }));
}

RunningGang::Member& RunningGang::member(JobId job) {
  return *std::find_if(members_.begin(), members_.end(), [&](const Member& m) { return m.start.job == job; });
}

template <class Is>
bool RunningGang::all_services_of(JobId job, Is is) const {
  return std::all_of(gang_.serves.begin(), gang_.serves.end(),
                     [&](const auto& serves) { return serves.second != job || is(serves.first); });
}

bool RunningGang::is_service(JobId job) const {
  return std::any_of(gang_.serves.begin(), gang_.serves.end(),
                     [&](const auto& serves) { return serves.first == job; });
}

bool RunningGang::is_needed(JobId service) const {
  return std::any_of(members_.begin(), members_.end(), [&](const Member& user) {
    return user.state != State::kEnded &&
           !all_services_of(user.start.job, [&](JobId used) { return used != service; });
  });
}

std::vector<RunningGang::Start> RunningGang::take_startable(const IsUp& is_up) {
  std::vector<Start> starts;
  if (ends_early()) return starts;
  for (Member& member : members_) {
    if (member.state != State::kWaiting) continue;
    const bool can_start = all_services_of(member.start.job, [&](JobId service) {
      return this->member(service).state != State::kWaiting && is_up(service);
    });
    if (!can_start) continue;
    member.state = State::kRunning;
    starts.push_back({member.start.job, std::move(member.start.launch)});
  }
  return starts;
}

void RunningGang::ended(Exit exit, const IsUp& is_up) {
  Member& ended = member(exit.job);
  const bool was_asked = ended.state == State::kEnding;
  ended.state = State::kEnded;
  if (was_asked && !ends_early() && !exit.cancelled && !exit.timed_out) {
    exit.status = exit.signal = 0;
    exit.error.clear();
  } else if (exit.ok() && is_service(exit.job) && is_needed(exit.job) && !is_up(exit.job)) {
    exit.status = -1;
    exit.error =
        "it has ended, although it is a service that other jobs need, and what it offers is not there";
  }
  is_stopped_ |= exit.cancelled;
  if (!exit.ok() && !ends_early()) culprit_ = exit.job;
  ended.exit = std::move(exit);
}

std::vector<JobId> RunningGang::take_to_end() {
  std::vector<JobId> jobs;
  for (Member& member : members_) {
    if (member.state != State::kRunning) continue;
    const JobId job = member.start.job;
    const bool is_done = is_service(job) && !is_needed(job);
    if (culprit_ == plan::kNoJob && !is_done) continue;
    member.state = State::kEnding;
    jobs.push_back(job);
  }
  return jobs;
}

bool RunningGang::is_over() const {
  return count(State::kRunning) + count(State::kEnding) == 0 && (count(State::kWaiting) == 0 || ends_early());
}

bool RunningGang::was_cancelled() const {
  return is_stopped_ && culprit_ == plan::kNoJob &&
         !std::all_of(members_.begin(), members_.end(),
                      [](const Member& m) { return m.exit && m.exit->ok() && !m.exit->cancelled; });
}

std::vector<Exit> RunningGang::exits(const std::string& title) const {
  std::vector<Exit> exits;
  const Exit* how = nullptr;
  for (const Member& member : members_) {
    if (member.exit && member.start.job == culprit_) how = &*member.exit;
  }
  for (const Member& member : members_) {
    Exit exit = member.exit ? *member.exit : Exit{.job = member.start.job, .attempt = attempt_};
    exit.cancelled |= was_cancelled();
    if (culprit_ != plan::kNoJob && exit.job != culprit_) {
      exit.error = ended_with(title, how);
      exit.timed_out = false;
    }
    if (!member.exit || exit.cancelled || (culprit_ != plan::kNoJob && exit.job != culprit_)) {
      exit.status = exit.status == 0 ? -1 : exit.status;
    }
    exits.push_back(std::move(exit));
  }
  if (culprit_ != plan::kNoJob) {
    std::stable_partition(exits.begin(), exits.end(), [&](const Exit& exit) { return exit.job == culprit_; });
  }
  return exits;
}

}  // namespace furrow::farm
