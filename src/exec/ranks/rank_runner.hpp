// A rank other than the first: runs what rank 0 sends it, on a LocalExecutor of its own.
//
// States of a rank:     idle --setup--> running --close--> idle --leave--> over
// States of an attempt: queued --(its share of the rank is free)--> running --> reported
//                          +--recall--> returned
//
// Rank 0 sends short jobs ahead, so that a core need not wait for the next one: those are queued here, in
// order. What jobs print goes to rank 0 before their end does; no more than a window of bytes is under way,
// and while it is full the rank waits. Signals are rank 0's to answer: the launcher sends them to all. One
// that has come to this rank alone is passed on. Not thread-safe.
#pragma once

#include <csignal>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "channel/post.hpp"
#include "exec/local/local_executor.hpp"
#include "exec/ranks/rank_input.hpp"
#include "exec/ranks/rank_messages.hpp"
#include "exec/ranks/rank_record.hpp"
#include "os/events/event_loop.hpp"
#include "os/process/guard.hpp"

namespace furrow::exec {

class RankRunner final : public plan::ExitListener, public OutputSink {
 public:
  // What forks `run:` blocks; asked where a run has an evaluator.
  using MakeForks =
      std::function<std::unique_ptr<plan::ForkService>(const BatchEvaluator&, os::EventLoop&, os::Guard&)>;
  // Borrows POST and GUARD. LEAVE is asked now and then whether to leave at once: the launcher is gone.
  RankRunner(channel::Post& post, os::Guard& guard, MakeForks forks, std::function<void()> check);
  ~RankRunner() override;

  // Until rank 0 says that all is over.
  void serve(os::EventLoop& loop);
  void signalled(int signal);  // to this process

 private:
  struct Held {
    std::uint64_t ticket = 0;
    RankStart start{};
    std::unique_ptr<RankInputWriter> input{};
  };

  void on_exit(plan::Exit exit) override;
  void show(const CapturedOutput& output) override;
  bool is_one_stream() const override { return setup_.one_stream; }
  bool wants_pieces() const override { return setup_.as_it_comes; }
  void on_piece(plan::JobId job, bool is_err, std::string_view piece) override;

  bool receive();
  void take(const RankRecordHead& head, std::string_view payload);
  void set_up(std::uint32_t run, std::string_view text);
  void close();
  void enqueue(std::uint64_t ticket, std::string_view text);
  void start_what_fits();
  void start(std::unique_ptr<Held> held);
  RankInputWriter* input_of(std::uint64_t ticket);
  void interrupt(std::uint64_t ticket, bool timed_out);
  void recall();
  void cancel(plan::Stop how);
  void report(std::uint64_t ticket, const plan::Exit& exit);
  void send_output(plan::JobId job, bool is_err, std::string_view piece);
  void wait_for_room();
  void flush();

  channel::Post& post_;
  os::Guard& guard_;
  const MakeForks make_forks_;
  const std::function<void()> check_;
  os::EventLoop* loop_ = nullptr;
  RankRecords out_;
  std::uint32_t run_ = 0;
  RankSetup setup_;
  std::unique_ptr<plan::ForkService> forks_;
  std::unique_ptr<LocalExecutor> local_;
  std::deque<std::unique_ptr<Held>> queue_;
  std::unordered_map<plan::JobId, std::unique_ptr<Held>> running_;
  plan::JobId next_job_ = 0;
  std::int64_t cores_used_ = 0, memory_used_ = 0;
  std::size_t under_way_ = 0;          // bytes of output that rank 0 has not taken
  std::vector<std::string> deferred_;  // messages that came while the rank waited for room
  std::uint64_t signal_timer_ = 0;
  bool is_cancelled_ = false, is_over_ = false;
};

}  // namespace furrow::exec
