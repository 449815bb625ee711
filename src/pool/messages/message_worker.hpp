// A worker process that receives its work as messages: it claims messages from its inbox one by one, handles
// them, and reports.
//
// Only its handler knows what a message means. Runs on the process's one thread.
#pragma once

#include <functional>

#include "furrow/options.hpp"
#include "pool/map/running_map.hpp"
#include "pool/workers/outbox.hpp"
#include "pool/workers/parts_reader.hpp"
#include "pool/workers/worker_host.hpp"

namespace furrow::pool {

// What a handler works with. It reports each index of the message through OUTBOX or HOST, in order.
//
// Many small results are faster in one block: Outbox::reserve() the room, open SLOT.block
// there, write the results one after the other, publish the next index after each, and
// commit(). If the worker dies before commit(), the results from block.index() up to the published index count.
struct WorkerContext {
  const int worker;
  WorkerSlot& slot;
  Outbox& outbox;
  WorkerHost& host;
};

class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  // All of these are called in the worker. This one comes first, before the initializer; if it throws, that
  // counts as the initializer's failure.
  virtual void prepare(int /*worker*/) {}
  // Before the first message.
  virtual void begin(const WorkerContext& context) = 0;
  // WITH_MAP: the body begins with what Chunk::encode_map() wrote. If this throws, the indices that were not
  // reported fail.
  virtual void handle(const MessageHead& head, bool with_map, ValueReader& body,
                      const WorkerContext& context) = 0;
  // There is nothing to do, and the worker is about to wait.
  virtual void idle() {}
  // It has waited for kStillIdle_ns. Called again after each such time, until it returns true.
  virtual bool still_idle() { return true; }
  // After the last message, if the worker ends by itself.
  virtual void end() {}

  static constexpr std::int64_t kStillIdle_ns = 1'000'000'000;
};

class MessageWorker {
 public:
  MessageWorker(const WorkerMemory& memory, int worker, const PoolOptions& options, MessageHandler& handler);
  int main();

 private:
  bool claim(std::uint32_t& sequence);
  bool let_go();
  bool serve(std::uint32_t sequence);
  void handle(const MessageHead& head, PartsReader& body);

  const WorkerMemory& memory_;
  const PoolOptions& options_;
  MessageHandler& handler_;
  WorkerSlot& slot_;
  std::atomic<std::uint64_t>& messages_;
  Outbox outbox_;
  WorkerHost host_;
  WorkerContext context_;
  channel::RingReader ring_;
  channel::FrameReader frames_;
  std::function<void()> nothing_ = [] {};
  std::uint32_t next_ = 0;  // sequence number of the first message that may be in the ring
  std::uint64_t tasks_ = 0;
  std::int64_t rang_ns_ = 0;
};

}  // namespace furrow::pool
