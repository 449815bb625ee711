// --trace: the timeline of a run (os/files/trace_file.hpp). A track for each slot, with attempts of jobs as slices; arrows
// from a job to those that need it; how many jobs run and wait.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "os/files/trace_file.hpp"
#include "plan/event.hpp"
#include "plan/job_source.hpp"

namespace furrow::cli {

class JobTrace final : public plan::EventSink {
 public:
  // NAME is that of the whole timeline. Fails if PATH cannot be written.
  static Result<std::unique_ptr<JobTrace>> create(const std::string& path, const std::string& name);

  // What jobs need: a number of each job, and those of the jobs that it needs. Without functions: nothing is known of it.
  struct Needs {
    using Visitor = std::function<void(std::uint32_t)>;
    std::function<std::uint32_t(plan::JobId)> number{};
    std::function<void(plan::JobId, const Visitor&)> visit{};
  };
  // From now on SOURCE names the jobs. Borrowed, as is what NEEDS holds.
  void follow(const plan::JobSource& source, Needs needs);
  void on_event(const plan::Event& event) override;
  Result<void> finish();

 private:
  struct Running {
    int track;
    double started_at;
  };
  struct Ended {
    int track;
    double ended_us;
  };

  explicit JobTrace(std::unique_ptr<os::TraceFile> file);
  void started(plan::JobId job);
  void ended(const plan::Event& event);
  void add_arrows(plan::JobId job, int track, double start_us);
  void count_jobs();
  void write_count();
  int take_track();
  double since_start_us(double wall_s) const { return (wall_s - began_at_) * 1e6; }

  const double began_at_;
  std::unique_ptr<os::TraceFile> file_;
  const plan::JobSource* source_ = nullptr;
  Needs needs_;
  std::unordered_map<plan::JobId, Running> running_;
  std::unordered_map<std::uint32_t, Ended> ended_;  // by number
  std::set<int> free_tracks_;
  int tracks_ = 0;
  std::size_t total_ = 0, done_ = 0;
  // The last change; it may not be written yet.
  struct Count {
    double at = 0;
    std::size_t running = 0, waiting = 0;
    bool is_new = false;
  } count_;
  double counted_at_ = 0;
};

}  // namespace furrow::cli
