// What a Farm does in one run: a round settles what has ended, takes what is new, picks what fits into the budget, and
// starts what has its launch. Not thread-safe.
#pragma once

#include <utility>
#include <vector>

#include "farm/farm.hpp"
#include "farm/gangs.hpp"
#include "farm/launches.hpp"
#include "farm/shares.hpp"
#include "plan/ready_queue.hpp"

namespace furrow::farm {

using plan::DemandId;
using plan::Event;
using plan::Exit;
using plan::JobId;

class Farm::Run : public plan::ExitListener {
 public:
  Run(plan::JobGraph& graph, plan::Resources& resources, plan::Budget budget, plan::Executor& executor,
      plan::JobSource& source, os::EventLoop& loop, FarmOptions options)
      : graph_(graph),
        resources_(resources),
        executor_(executor),
        source_(source),
        loop_(loop),
        options_(options),
        launches_(source),
        shares_(resources, std::move(budget)),
        gangs_(graph, resources, source, executor, loop) {
    executor_.set_listener(this);
  }
  ~Run() override { executor_.set_listener(nullptr); }

  void add_sink(plan::EventSink* sink) { sinks_.push_back(sink); }
  void stop(int signal);
  void release();
  void halt(bool at_once);
  Summary run();
  void on_exit(Exit exit) override { ended_.push_back(std::move(exit)); }
  void on_placed(JobId job, const std::string& host) override {
    emit({.kind = Event::Kind::kJobPlaced, .job = job, .host = host});
  }

 private:
  using Starting = RunningGang::Start;
  using Gang = plan::JobGraph::Gang;

  void supply();
  void extend();
  void wait_for_growth();
  void take_new_jobs();
  void erase(JobId job);
  void admit();
  void enqueue(JobId job, DemandId demand);

  void settle();
  void settle(Exit exit);
  void account(const Exit& exit);
  Result<void> succeed(const Exit& exit);
  void look_at_late();
  void run_again(JobId job);
  void attempt_failed(const Exit& exit, const Error* error, bool may_retry);
  void never_started(JobId job, int attempt, const Error& error);
  void give_up(JobId job);

  void pick();
  bool is_throttled();
  void mark_starting();
  void refuse(JobId job, const Error& error);
  void commit_and_start();
  void start(Starting& starting);

  void enqueue(const Gang& gang, DemandId demand);
  bool has_room_for(const Gang& gang) const;
  bool mark_starting(const Gang& gang);
  void clear_and_start(std::vector<Starting> starting);
  void look_at_gangs();
  void settle(RunningGang gang);
  void gang_failed(std::vector<Exit> exits, const Error* error, bool may_retry);
  void gang_never_starts(const Gang& gang, JobId culprit, int attempt, const Error& error);

  bool lacks_launches() const;
  bool is_time_to_look_ahead() const;
  void look_ahead();
  void prefetch_upcoming();

  bool is_stopping() const { return summary_.signal != 0 || summary_.error; }
  bool is_halted() const { return winding_down_ || is_stopping(); }
  bool is_over() const {
    const bool nothing_left = ready_.empty() && queue_.empty() && !is_supplied_ && growth_timer_ == 0;
    return running_ == 0 && ended_.empty() && gangs_.empty() && picked_.empty() &&
           (nothing_left || is_halted());
  }
  // False for a job that was dropped, or waits again, since it was ready.
  bool is_ready(JobId job) const { return graph_.is_ready(job); }
  bool can_go_on() const;
  void log_end(const Exit& exit) const;
  void abandon_picked();
  void conclude();
  void emit(Event event);

  plan::JobGraph& graph_;
  plan::Resources& resources_;
  plan::Executor& executor_;
  plan::JobSource& source_;
  os::EventLoop& loop_;
  const FarmOptions options_;
  Launches launches_;
  Shares shares_;
  Gangs gangs_;
  plan::ReadyQueue queue_;
  std::vector<plan::EventSink*> sinks_;

  std::vector<JobId> ready_;                        // not in the queue yet
  static constexpr double kLookAgain_s = 0.05;      // between two checks for late outputs
  static constexpr std::size_t kMaxPrefetched = 8;  // more would be wasted: few jobs end in one round

  std::vector<Exit> ended_;  // reported by the executor, not settled yet
  std::vector<Exit> late_;   // outputs not visible yet: checked again when the timer fires
  std::uint64_t late_timer_ = 0;
  std::vector<JobId> picked_;       // hold their share of the budget and wait for their launch
  std::vector<Starting> starting_;  // marked as starting in this round
  std::vector<std::vector<Starting>> starting_gangs_;
  std::uint64_t growth_timer_ = 0;  // wakes the loop to call grow()
  std::size_t running_ = 0;
  std::size_t news_ = 0;     // jobs that entered or left the queue since the last look_ahead()
  bool is_supplied_ = true;  // the source may have more jobs
  std::uint64_t throttle_timer_ = 0;
  bool uncommitted_ = false;
  bool look_again_ = false;  // something changed after this round's jobs were picked
  bool winding_down_ = false;
  Summary summary_;
};

}  // namespace furrow::farm
