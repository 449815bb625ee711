// The standing crew of worker processes behind a furrow.Pool, here or on many ranks, and who works for it.
//
// Work goes on by itself as far as it was sent; results are taken in, callbacks run and further chunks are
// sent by whichever thread has the turn:
//
//   free -> held by a thread that waits for a job (it pumps until that job is settled)
//        -> held by the pump thread, serve(), while jobs are under way and no other thread wants the turn
//
// Only the thread with the turn touches the ParcelCrew. Everybody else leaves jobs in incoming_, calls the
// sleeper, and waits for the turn or for their job. The GIL guards all fields but those of changed_; who has
// the turn keeps the GIL, but for its sleep. While the crew's own code runs (working_), Python code that it
// leads to (an __reduce__, a __del__) cannot use the crew, and is told so; callbacks run outside of that, and
// can.
//
// Shutdown: finish() lets jobs end and workers with them; end() kills the workers, and jobs that are not over
// are abandoned. In a forked child the crew is of no use, and does nothing.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "native/job.hpp"
#include "native/station.hpp"
#include "pool/messages/message_crew.hpp"

namespace furrow::python {

class Crew {
 public:
  // WORKER_HOOKS: furrow._worker. BEGIN is called with its number in each worker, and runs the initializer.
  // MAKE_FAILURE: what a job is told of a unit that failed. Forks the template and the workers.
  // SPAWN: starts the template as a program of its own, given the descriptors of segment and arena, and gives
  // its pid; none: it is forked.
  Crew(int workers, std::uint64_t max_tasks, py::object worker_hooks, py::object begin, Pickling pickling,
       const py::object& spawn);
  // Over other workers, where they are: RANKS is a capsule with a pool::ParcelCrew. STATION is that of the
  // workers on this rank.
  Crew(int workers, py::capsule ranks, std::shared_ptr<Station> station, Pickling pickling);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // In the spawned template, until the crew ends; gives its exit status.
  static int tend(int segment, int arena, int workers, std::uint64_t max_tasks, pid_t parent,
                  py::object hooks, py::object begin);
  std::uint64_t open_session(Job& job, Session::Options options);
  void submit(const std::shared_ptr<Job>& job);
  // Until the job is settled. False where the time is over first; less than 0: no limit.
  bool wait(Job& job, double timeout_s);
  // Until the stream has an item, or never will.
  bool wait_for_item(Job& job, double timeout_s);
  void nudge();  // a job has got more input
  bool tick();   // for those who wait for many jobs: a moment's work, if nobody else does it
  void serve();  // the pump thread
  void cancel(const std::shared_ptr<Job>& job);
  void finish();  // jobs end, then the workers
  void end();     // now
  std::vector<int> pids();
  std::vector<bool> living();
  bool names_matter() const { return pickling_.names_matter; }
  void set_names_matter(bool matter) { pickling_.names_matter = matter; }
  bool ended() const { return ended_; }
  std::string broken() const { return crew_ ? crew_->broken() : ""; }

 private:
  template <class Done>
  bool pump_until(double timeout_s, const Done& done);
  bool take_turn();
  void leave_turn();
  void wait_for_turn(std::int64_t at_most_ns);
  void tell();
  void pump_once(std::int64_t at_most_ns);
  bool admit();
  void settle_jobs();
  void check_here() const;
  bool mine() const;
  bool starting() const;
  void begin_with(pool::ParcelCrew& crew);
  void end_workers(pool::Ending how);
  bool nothing_to_do() const { return active_.empty() && incoming_.empty(); }

  const pid_t owner_;
  const int workers_;
  Pickling pickling_;
  std::shared_ptr<Station> station_;
  std::unique_ptr<Encoder> encoder_;
  PoolOptions options_{};
  std::unique_ptr<pool::MessageCrew> local_{};  // none where the workers are on many ranks
  py::object ranks_{};                          // none where they are local
  pool::ParcelCrew* crew_ = nullptr;            // one of the two
  std::vector<std::shared_ptr<Job>> incoming_{}, active_{};
  std::uint64_t jobs_ = 0;
  bool ended_ = false;

  bool held_ = false, working_ = false;
  std::thread::id holder_{};
  int waiting_ = 0;          // threads that want the turn
  int callers_ = 0;          // threads in pump_until()
  std::uint64_t turns_ = 0;  // taken by others than the pump thread
  std::mutex changed_lock_{};
  std::condition_variable changed_{};
  std::uint64_t changes_ = 0;  // guarded by changed_lock_
  int sleepers_ = 0;           // on changed_
};

}  // namespace furrow::python
