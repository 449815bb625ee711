#include "pool/sent_work.hpp"

#include <stdexcept>

#include "pool/message_crew.hpp"

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
  const SentHead head{0, run.seed, run.number, static_cast<std::uint64_t>(run.share),
                      static_cast<std::uint64_t>(run.options.retries)};
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
  detail::TaskScope scope(desk.worker + static_cast<int>(job.head.first_worker), job.head.seed,
                          job.head.number, &desk.host);
  scope.share = static_cast<int>(job.head.share);
  scope.published = &desk.slot.published;
  desk.host.retries = static_cast<int>(job.head.retries);
  job.run(job.function, scope, head.begin, head.end - head.begin, body, desk.outbox);
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
