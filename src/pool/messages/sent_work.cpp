#include "pool/messages/sent_work.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "pool/messages/message_crew.hpp"

namespace furrow::pool {

namespace {

using Serve = void(Reader&, detail::TaskScope&, Writer&);
using Decode = void*(Reader&);

// One result, which begins with its first byte: what is thrown before that is the task's.
class LazyResult : public Writer {
 public:
  LazyResult(Outbox& outbox, std::uint64_t unit) : outbox_(outbox), unit_(unit) {}
  void write(const void* data, std::size_t size) override {
    if (!outbox_.is_open()) outbox_.begin(unit_);
    outbox_.write(data, size);
  }
  void end() {
    if (!outbox_.is_open()) outbox_.begin(unit_);
    outbox_.end();
  }

 private:
  Outbox& outbox_;
  const std::uint64_t unit_;
};

// Plain results of one size, one behind the other in the outbox: reported in one frame, or, where this worker
// dies, found there by its parent (WorkerDesk).
class BlockResults : public detail::ResultWriter, public detail::TaskHost {
 public:
  BlockResults(const WorkerDesk& desk, std::uint64_t end, std::size_t size)
      : desk_(desk),
        end_(end),
        size_(size),
        most_(std::max<std::size_t>(desk.outbox.largest_block() / size, 1)) {}
  static bool fits(const WorkerDesk& desk, std::size_t size) { return size <= desk.outbox.largest_block(); }

  void begin(std::uint64_t unit) override {
    if (at_ == nullptr || count_ == room_) open(unit);
  }
  void write(const void* data, std::size_t size) override {
    std::memcpy(at_ + count_ * size_, data, std::min(size, size_));
  }
  void end() override { ++count_; }
  void commit() {
    if (at_ == nullptr) return;
    desk_.outbox.commit(first_, count_, count_ * size_);
    desk_.slot.block_unit.store(kNothing, std::memory_order_relaxed);
    at_ = nullptr;
  }

  detail::AfterFailure failed(detail::TaskScope& scope, std::uint64_t unit) override {
    commit();
    return desk_.host.failed(scope, unit);
  }
  std::stop_token begin_watch(detail::TaskScope& scope) override { return desk_.host.begin_watch(scope); }
  void end_watch(detail::TaskScope& scope) override { desk_.host.end_watch(scope); }

 private:
  void open(std::uint64_t unit) {
    commit();
    room_ = static_cast<std::size_t>(std::min<std::uint64_t>(end_ - unit, most_));
    at_ = desk_.outbox.reserve(room_ * size_, alignment_of(size_));
    first_ = unit;
    count_ = 0;
    desk_.slot.block_at.store(static_cast<std::uint64_t>(at_ - desk_.outbox.memory()),
                              std::memory_order_relaxed);
    desk_.slot.block_unit.store(unit, std::memory_order_release);
  }

  const WorkerDesk& desk_;
  const std::uint64_t end_;
  const std::size_t size_, most_;
  std::byte* at_ = nullptr;  // null: nothing is reserved
  std::uint64_t first_ = 0;
  std::size_t count_ = 0, room_ = 0;
};

void serve_call(const MessageHead& head, Reader& body, const WorkerDesk& desk) {
  SentHead sent;
  body.read(&sent, sizeof sent);
  detail::TaskScope scope(desk.worker + static_cast<int>(sent.first_worker), sent.seed, sent.number,
                          &desk.host);
  scope.share = static_cast<int>(sent.share);
  scope.item = detail::ItemIndex{0};
  desk.host.retries = 0;  // the parent sends it again
  desk.slot.published.store(head.begin, std::memory_order_relaxed);
  try {
    auto* const serve = detail::read_place<Serve>(body);
    LazyResult result(desk.outbox, head.begin);
    serve(body, scope, result);
    result.end();
  } catch (const ValueTorn&) {
    throw;
  } catch (const ValueDropped&) {
    throw;
  } catch (...) {
    desk.host.failed(scope, head.begin);
  }
}

}  // namespace

void encode_call(const detail::CallNode& call, Writer& body) {
  const SentHead head{0, call.home->seed, call.number, static_cast<std::uint64_t>(call.home->share), 0};
  body.write(&head, sizeof head);
  detail::write_place(body, call.sent().serve);
  call.encode(body);
}

void encode_job(const MapRun& run, Writer& body) {
  const detail::CrossCall& cross = run.call.cross;
  const SentHead head{0,
                      run.seed,
                      run.number,
                      static_cast<std::uint64_t>(run.share),
                      static_cast<std::uint64_t>(run.options.retries),
                      cross.store_plain ? cross.result_size : 0};
  body.write(&head, sizeof head);
  detail::write_place(body, cross.decode_function);
  detail::write_place(body, cross.run_decoded);
  detail::write_place(body, cross.drop_function);
  cross.encode_function(run.call.object, body);
}

const char* why_not_sent(const detail::CallNode& call) { return call.sent().refusal; }

const char* why_not_sent(const detail::MapCall& call) {
  const detail::CrossCall& cross = call.cross;
  for (const char* refusal : {cross.refusal, cross.input_refusal, cross.function_refusal})
    if (refusal) return refusal;
  return nullptr;
}

void SentWorkHandler::handle(const MessageHead& head, bool with_job, Reader& body, const WorkerDesk& desk) {
  if (head.job == 0) return serve_call(head, body, desk);
  const Job& job = with_job ? learn(head.job, body) : known(head.job);
  const bool in_blocks =
      job.head.result_size > 0 && head.end - head.begin > 1 && BlockResults::fits(desk, job.head.result_size);
  BlockResults blocks(desk, head.end, std::max<std::uint64_t>(job.head.result_size, 1));
  detail::TaskHost* const host = in_blocks ? static_cast<detail::TaskHost*>(&blocks) : &desk.host;
  detail::TaskScope scope(desk.worker + static_cast<int>(job.head.first_worker), job.head.seed,
                          job.head.number, host);
  scope.share = static_cast<int>(job.head.share);
  scope.published = &desk.slot.published;
  desk.host.retries = static_cast<int>(job.head.retries);
  if (!in_blocks) return job.run(job.function, scope, head.begin, head.end - head.begin, body, desk.outbox);
  job.run(job.function, scope, head.begin, head.end - head.begin, body, blocks);
  blocks.commit();
}

const SentWorkHandler::Job& SentWorkHandler::learn(std::uint64_t id, Reader& body) {
  Job job;
  job.id = id;
  body.read(&job.head, sizeof job.head);
  auto* const decode = detail::read_place<Decode>(body);
  job.run = detail::read_place<Run>(body);
  job.drop = detail::read_place<Drop>(body);
  job.function = decode(body);
  if (jobs_.size() == 2 * MessageCrew::kJobs) {
    jobs_.front().drop(jobs_.front().function);
    jobs_.pop_front();
  }
  return jobs_.emplace_back(job);
}

const SentWorkHandler::Job& SentWorkHandler::known(std::uint64_t id) const {
  for (const Job& each : jobs_)
    if (each.id == id) return each;
  throw std::logic_error("the worker does not know this map");
}

}  // namespace furrow::pool
