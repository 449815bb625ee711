// What a rank other than 0 does: it runs the jobs that rank 0 sends, on its own LocalExecutor.
//
// States of a rank:     idle --setup--> running --close--> idle --shutdown--> over
// States of an attempt: queued --(its cores are free)--> running --> reported
//                          +--recall--> returned
//
// Rank 0 sends short jobs ahead, so that a core need not wait for the next one; they are queued here, in
// order. The output of a job is sent to rank 0 before its exit. At most a window of output bytes is in
// flight; while it is full, the rank waits. Rank 0 answers signals, since the launcher sends them to all
// ranks; a signal that only this rank got is passed on to rank 0. Not thread-safe.
#pragma once

#include <csignal>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "channel/transport.hpp"
#include "exec/local/local_executor.hpp"
#include "exec/local/node_folder.hpp"
#include "exec/ranks/rank_input.hpp"
#include "exec/ranks/rank_messages.hpp"
#include "exec/ranks/rank_record.hpp"
#include "os/events/event_loop.hpp"
#include "os/process/watchdog.hpp"

namespace furrow::exec {

class RankRunner final : public plan::ExitListener, public OutputSink {
 public:
  // Makes the service that forks `run:` blocks; called if a run has an evaluator.
  using MakeForks =
      std::function<std::unique_ptr<plan::ForkService>(const BatchEvaluator&, os::EventLoop&, os::Watchdog&)>;
  // Borrows TRANSPORT and WATCHDOG. CHECK is called now and then; it may end the process.
  RankRunner(channel::Transport& transport, os::Watchdog& watchdog, MakeForks forks,
             std::function<void()> check);
  ~RankRunner() override;

  // Returns when rank 0 has shut the ranks down.
  void serve(os::EventLoop& loop);
  void signalled(int signal);  // to this process

 private:
  struct Held {
    std::uint64_t request_id = 0;
    RankStart start{};
    std::unique_ptr<RankInputWriter> input{};
  };

  void on_exit(plan::Exit exit) override;
  void show(const CapturedOutput& output) override;
  bool is_one_stream() const override { return setup_.one_stream; }
  bool wants_live_output() const override { return setup_.as_it_comes; }
  void on_output(plan::JobId job, bool is_err, std::string_view data) override;

  bool receive();
  void take(const RankRecordHead& head, std::string_view payload);
  void set_up(std::uint32_t run, std::string_view text);
  void close();
  void enqueue(std::uint64_t request_id, std::string_view text);
  void start_what_fits();
  void start(std::unique_ptr<Held> held);
  RankInputWriter* input_of(std::uint64_t request_id);
  void interrupt(std::uint64_t request_id, bool timed_out);
  void recall();
  void cancel(plan::Stop how);
  void report(std::uint64_t request_id, const plan::Exit& exit);
  void send_output(plan::JobId job, bool is_err, std::string_view data);
  void wait_for_room();
  void flush();

  channel::Transport& transport_;
  os::Watchdog& watchdog_;
  const MakeForks make_forks_;
  const std::function<void()> check_;
  const std::string node_folder_ =
      node_folder();  // by the variables of this rank, before it gets those of rank 0
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
  std::size_t in_flight_ = 0;          // bytes of output that rank 0 has not confirmed
  std::vector<std::string> deferred_;  // messages that arrived while the rank waited for room
  std::uint64_t signal_timer_ = 0;
  bool is_cancelled_ = false, is_over_ = false;
};

}  // namespace furrow::exec
