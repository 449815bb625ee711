// Worker processes that live as long as their Pool: for apply_async, and for maps with MapOptions::standing.
//
// The template is forked when the Pool is made, so workers see the program as it was then, and the program
// may start threads later; workers are forked from it when there is something for them to do. Functions are
// sent as places in the program, with their encoded arguments (furrow::bind).
//
// There is no thread behind it. What was sent to the workers (some hundred calls each) runs by itself;
// results are taken in, callbacks run and further calls are sent whenever a thread of the program calls one
// of submit, wait, ready, get, or runs a map here. One thread does so at a time; the others wait for their
// calls.
//
// Shutdown: calls that no worker has begun are dropped, the others waited for; then the workers are told to
// end. In a forked child (a worker) it is of no use, says so, and leaves the parent's crew alone.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "furrow/detail/call_node.hpp"
#include "pool/map/map_run.hpp"
#include "pool/messages/message_worker.hpp"
#include "pool/messages/parcel_crew.hpp"
#include "pool/task/call_pump.hpp"

namespace furrow::pool {

class StandingCrew : public CallPump {
 public:
  // Works for a crew that somebody else made.
  explicit StandingCrew(std::unique_ptr<ParcelCrew> crew);
  // OPTIONS are borrowed.
  StandingCrew(int workers, const PoolOptions& options);
  ~StandingCrew() override;

  // Throw PoolError.
  void check_here() const override;
  void check(const detail::CallNode& call) const;
  void check(const detail::MapCall& call) const;

  void submit(detail::CallNode* call);
  void run(MapRun& run);
  // RUN outlives the stream.
  std::unique_ptr<detail::Stream> open(MapRun& run);
  void wait();
  // WORK is done while no other thread works for the crew.
  void in_turn(const std::function<void()>& work);
  bool pump(std::int64_t at_most_ns) noexcept override;

 private:
  struct Call;
  struct Stretch;
  class Map;
  class Turn;
  class Chunks;

  void run_in_turn(MapRun& run);
  void take_incoming();
  void retire(Call* call);

  const pid_t owner_;
  std::string refusal_{};  // why there is no crew
  std::unique_ptr<MessageHandler> handler_{};
  std::unique_ptr<ParcelCrew> crew_{};

  std::mutex turn_{};                       // held by the thread that works for the crew
  std::atomic<std::thread::id> working_{};  // that thread
  std::mutex incoming_lock_{};
  detail::TaskNode* incoming_ = nullptr;  // linked by next
  detail::TaskNode** incoming_end_ = &incoming_;
  std::atomic<std::uint64_t> under_way_{0};
  std::uint64_t jobs_ = 0;
  std::vector<std::unique_ptr<Call>> calls_{};  // all there ever were: used again
  std::vector<Call*> free_{};
};

}  // namespace furrow::pool
