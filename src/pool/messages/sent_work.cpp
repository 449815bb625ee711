#include "pool/messages/sent_work.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "pool/messages/message_workers.hpp"

namespace furrow::pool {

namespace {

using Serve = void(Reader&, detail::TaskScope&, Writer&);
using Decode = void*(Reader&);

// One result, which begins with its first byte: an exception before that is the task's own.
class LazyResult : public Writer {
 public:
  LazyResult(Outbox& outbox, std::uint64_t index) : outbox_(outbox), index_(index) {}
  void write(const void* data, std::size_t size) override {
    if (!outbox_.is_open()) outbox_.begin(index_);
    outbox_.write(data, size);
  }
  void end() {
    if (!outbox_.is_open()) outbox_.begin(index_);
    outbox_.end();
  }

 private:
  Outbox& outbox_;
  const std::uint64_t index_;
};

// Plain results of one size, one after the other in the outbox: reported in one frame or, if this worker
// dies, found there by its parent (WorkerContext).
class BlockResults : public detail::ResultWriter, public detail::TaskHost {
 public:
  BlockResults(const WorkerContext& context, std::uint64_t end, std::size_t size)
      : context_(context),
        end_(end),
        size_(size),
        most_(std::max<std::size_t>(context.outbox.largest_block() / size, 1)) {}
  static bool fits(const WorkerContext& context, std::size_t size) {
    return size <= context.outbox.largest_block();
  }

  void begin(std::uint64_t index) override {
    if (at_ == nullptr || count_ == room_) open(index);
  }
  void write(const void* data, std::size_t size) override {
    std::memcpy(at_ + count_ * size_, data, std::min(size, size_));
  }
  void end() override { ++count_; }
  void commit() {
    if (at_ == nullptr) return;
    context_.outbox.commit(first_, count_, count_ * size_);
    context_.slot.block.close();
    at_ = nullptr;
  }

  detail::AfterFailure failed(detail::TaskScope& scope, std::uint64_t index) override {
    commit();
    return context_.host.failed(scope, index);
  }
  std::stop_token begin_watch(detail::TaskScope& scope) override { return context_.host.begin_watch(scope); }
  void end_watch(detail::TaskScope& scope) override { context_.host.end_watch(scope); }
  bool stop_requested(detail::TaskScope& scope) const noexcept override {
    return context_.host.stop_requested(scope);
  }

 private:
  void open(std::uint64_t index) {
    commit();
    room_ = static_cast<std::size_t>(std::min<std::uint64_t>(end_ - index, most_));
    at_ = context_.outbox.reserve(room_ * size_, alignment_of(size_));
    first_ = index;
    count_ = 0;
    context_.slot.block.open(index, static_cast<std::uint64_t>(at_ - context_.outbox.memory()));
  }

  const WorkerContext& context_;
  const std::uint64_t end_;
  const std::size_t size_, most_;
  std::byte* at_ = nullptr;  // null: nothing is reserved
  std::uint64_t first_ = 0;
  std::size_t count_ = 0, room_ = 0;
};

detail::TaskOrigin origin(const SentHead& head, const WorkerContext& context) {
  return {context.worker + static_cast<int>(head.first_worker), head.seed, head.number,
          static_cast<int>(head.cores_per_task)};
}

void serve_call(const MessageHead& head, Reader& body, const WorkerContext& context) {
  SentHead sent;
  body.read(&sent, sizeof sent);
  detail::TaskScope scope(origin(sent, context), &context.host);
  scope.set_current(detail::ItemIndex{0});
  context.host.retries = 0;  // the parent sends the call again instead
  context.slot.published.publish(head.begin);
  try {
    auto* const serve = detail::read_function_address<Serve>(body);
    LazyResult result(context.outbox, head.begin);
    serve(body, scope, result);
    result.end();
  } catch (const ValueTorn&) {
    throw;
  } catch (const ValueDropped&) {
    throw;
  } catch (...) {
    context.host.failed(scope, head.begin);
  }
}

}  // namespace

void encode_call(const detail::CallNode& call, Writer& body) {
  const SentHead head{0, call.home->seed, call.number, static_cast<std::uint64_t>(call.home->cores_per_task),
                      0};
  body.write(&head, sizeof head);
  detail::write_function_address(body, call.sent().serve);
  call.encode(body);
}

void encode_map(const RunningMap& run, Writer& body) {
  const detail::CrossCall& cross = run.call.cross;
  const SentHead head{0,
                      run.seed,
                      run.number,
                      static_cast<std::uint64_t>(run.cores_per_task),
                      static_cast<std::uint64_t>(run.options.retries),
                      cross.store_plain ? cross.result_size : 0};
  body.write(&head, sizeof head);
  detail::write_function_address(body, cross.decode_function);
  detail::write_function_address(body, cross.run_decoded);
  detail::write_function_address(body, cross.drop_function);
  cross.encode_function(run.call.object, body);
}

const char* why_not_sent(const detail::CallNode& call) { return call.sent().refusal; }

const char* why_not_sent(const detail::MapCall& call) {
  const detail::CrossCall& cross = call.cross;
  for (const char* refusal : {cross.refusal, cross.input_refusal, cross.function_refusal})
    if (refusal) return refusal;
  return nullptr;
}

void SentWorkHandler::handle(const MessageHead& head, bool with_map, ValueReader& body,
                             const WorkerContext& context) {
  if (head.map == 0) return serve_call(head, body, context);
  const SentMap& map = with_map ? learn(head.map, body) : known(head.map);
  const bool in_blocks = map.head.result_size > 0 && head.end - head.begin > 1 &&
                         BlockResults::fits(context, map.head.result_size);
  BlockResults blocks(context, head.end, std::max<std::uint64_t>(map.head.result_size, 1));
  detail::TaskHost* const host = in_blocks ? static_cast<detail::TaskHost*>(&blocks) : &context.host;
  detail::TaskScope scope(origin(map.head, context), host, &context.slot.published);
  context.host.retries = static_cast<int>(map.head.retries);
  if (!in_blocks)
    return map.run(map.function, scope, head.begin, head.end - head.begin, body, context.outbox);
  map.run(map.function, scope, head.begin, head.end - head.begin, body, blocks);
  blocks.commit();
}

const SentWorkHandler::SentMap& SentWorkHandler::learn(std::uint64_t id, Reader& body) {
  SentMap map;
  map.id = id;
  body.read(&map.head, sizeof map.head);
  auto* const decode = detail::read_function_address<Decode>(body);
  map.run = detail::read_function_address<Run>(body);
  map.drop = detail::read_function_address<Drop>(body);
  map.function = decode(body);
  if (maps_.size() == 2 * MessageWorkers::kMaps) {
    maps_.front().drop(maps_.front().function);
    maps_.pop_front();
  }
  return maps_.emplace_back(map);
}

const SentWorkHandler::SentMap& SentWorkHandler::known(std::uint64_t id) const {
  for (const SentMap& each : maps_)
    if (each.id == id) return each;
  throw std::logic_error("the worker does not know this map");
}

}  // namespace furrow::pool
