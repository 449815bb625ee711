// The parent's side of a crew of worker processes, whatever they do: reads what they report, notices deaths
// and overlong tasks, and has the dead replaced. What reports and deaths mean is for those who derive from
// it.
//
//   step():  for each worker  frames -> on_frame | hungry -> feed | dead, frames read to the end -> on_death
//
// It needs no thread and no descriptor: it makes progress while somebody calls step(), and sleep() waits
// until there is a reason to. Errors: PoolError where no worker can be had, or the template was killed.
//
// Thread-safety: one thread at a time.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "channel/frame.hpp"
#include "pool/crew/crew_memory.hpp"
#include "pool/crew/nursery.hpp"
#include "pool/crew/parts_reader.hpp"

namespace furrow::pool {

// Thrown by on_frame(): a report that cannot be. Nothing of it was used.
struct Nonsense {};

class WorkerCrew {
 public:
  virtual ~WorkerCrew() = default;
  WorkerCrew(const WorkerCrew&) = delete;
  WorkerCrew& operator=(const WorkerCrew&) = delete;

  // One look at every worker; whether anything happened.
  bool step();
  // Until there is something to do for step(), or the time is over. Spins briefly first.
  void sleep(std::int64_t at_most_ns);
  // False where the template was lost: then the crew's memory may still be in use.
  bool end(Ending how) { return nursery_ ? nursery_->end(how) : true; }
  int alive() const;
  // Ends the sleep() of another thread, or the next one. Any thread may call it.
  void call();

 protected:
  struct Lane {
    std::optional<channel::RingReader> ring{};
    std::optional<channel::FrameReader> frames{};
    bool cut = false;               // no more of its reports can be read
    bool garbled = false;           // since it wrote nonsense, for which it is killed
    bool starved = false;           // it is hungry, and there was nothing for it
    std::uint64_t item = kNothing;  // that it was last seen on
    std::uint32_t attempts = 0;
    std::int64_t since_ns = 0;
    std::uint64_t late_item = kNothing;  // for which it is being killed
  };

  explicit WorkerCrew(CrewMemory memory);
  // Forks the template; BODY runs in each worker. Workers come with want().
  void found(bool alone, std::function<int(int worker)> body);
  // The template is this child instead, which was given the memory.
  void adopt(pid_t spawned);

  virtual void on_frame(int worker, const channel::FrameHeader& header) = 0;  // reads or skips all of it
  virtual void on_death(int worker, int wait_status) = 0;                     // then calls want(), or not
  virtual bool feed(int worker) = 0;                                          // whether there was something
  virtual double time_limit_s(int worker) const = 0;                          // of its item; 0: none
  virtual bool overdue(int worker, std::uint64_t item) = 0;  // whether ITEM is really still under way

  void want(int worker);
  // Reads what workers reported before they ended: after end().
  void read_the_rest();
  void kill_worker(int worker) { nursery_->kill(worker); }
  void feed_the_starved();
  // Called while a value streams in from WORKER and nothing comes.
  void watch(int worker);
  PartsReader value(int worker, std::uint32_t flags);

  Lane& lane(int worker) { return lanes_[static_cast<std::size_t>(worker)]; }
  WorkerSlot& slot(int worker) const { return memory_.slot(worker); }
  int workers() const { return memory_.workers(); }

  CrewMemory memory_;

 private:
  bool look(int worker);
  bool drain(int worker);
  void cut_off(int worker, bool nonsense);
  bool bury(int worker);
  void watch_time();
  void watch_time(int worker, std::int64_t now_ns);
  bool something(int worker);

  std::vector<Lane> lanes_;
  std::optional<Nursery> nursery_{};
  std::int64_t last_watch_ns_ = 0;
  int unborn_ = 0;  // errno of the last fork that failed
  std::function<void()> watching_{};
  int watched_ = 0;
  std::atomic<std::uint32_t> called_{0};
};

// How a process ended: "was killed by signal 9 (Killed)".
std::string how_it_ended(int wait_status);

}  // namespace furrow::pool
