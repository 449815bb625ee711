// A worker process that is sent its work: claims messages of its inbox one by one, handles them, and reports.
//
// What a message means is for its handler. Runs on the process's one thread.
#pragma once

#include <functional>

#include "furrow/options.hpp"
#include "pool/crew/outbox.hpp"
#include "pool/crew/parts_reader.hpp"
#include "pool/crew/worker_host.hpp"
#include "pool/map/map_run.hpp"

namespace furrow::pool {

// What a handler works with. It reports each unit of the message through OUTBOX or HOST, in order.
//
// Many small results go faster in one block: Outbox::reserve() room, say in SLOT where it is (block_at, then
// block_unit), write the results one after the other, store the next unit to SLOT.published after each, and
// commit(). Where the worker dies before that, results of units from block_unit to the published one count.
struct WorkerDesk {
  const int worker;
  WorkerSlot& slot;
  Outbox& outbox;
  WorkerHost& host;
};

class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  // First of all in the worker, before its initializer. What it throws counts as the initializer's failure.
  virtual void prepare(int /*worker*/) {}
  // Before the first message, in the worker.
  virtual void begin(const WorkerDesk& desk) = 0;
  // JOB is true where the body begins with what Parcel::encode_job() wrote. What it throws fails the units
  // that were not reported.
  virtual void handle(const MessageHead& head, bool job, Reader& body, const WorkerDesk& desk) = 0;
  // There is nothing to do, and the worker is about to wait.
  virtual void idle() {}
  // After the last message, where the worker ends by itself.
  virtual void end() {}
};

class MessageWorker {
 public:
  MessageWorker(const CrewMemory& memory, int worker, const PoolOptions& options, MessageHandler& handler);
  int main();

 private:
  bool claim(std::uint32_t& sequence);
  void let_go();
  bool serve(std::uint32_t sequence);
  void handle(const MessageHead& head, PartsReader& body);

  const CrewMemory& memory_;
  const PoolOptions& options_;
  MessageHandler& handler_;
  WorkerSlot& slot_;
  std::atomic<std::uint64_t>& messages_;
  Outbox outbox_;
  WorkerHost host_;
  WorkerDesk desk_;
  channel::RingReader ring_;
  channel::FrameReader frames_;
  std::function<void()> nothing_ = [] {};
  std::uint32_t next_ = 0;  // sequence number of the first message that may be in the ring
  std::uint64_t tasks_ = 0;
  std::int64_t rang_ns_ = 0;
};

}  // namespace furrow::pool
