// How RemoteWorkers handles the records that ranks send.
#include <algorithm>

#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "pool/task/failure.hpp"
#include "remote/request.hpp"

namespace furrow::remote {

bool RemoteWorkers::receive() {
  bool happened = false;
  while (auto received = transport_.receive()) {
    for_each_record(received->message,
                    [&](RecordKind kind, pool::BytesReader record) { take(*received, kind, record); });
    transport_.keep(std::move(received->message));
    happened = true;
  }
  return happened;
}

RemoteWorkers::Request* RemoteWorkers::find(std::uint64_t number) {
  const auto found = requests_.find(number);
  return found == requests_.end() ? nullptr : found->second.get();
}

// Null if the request belonged to an earlier Pool.
RemoteWorkers::Request* RemoteWorkers::find(std::uint64_t number, std::uint64_t begin, std::uint64_t end) {
  Request* const request = find(number);
  if (!request) return nullptr;
  if (begin < end && request->open_at(begin, end)) return request;
  throw PoolError("rank " + std::to_string(request->rank) +
                  " reported results for tasks that it did not have");
}

void RemoteWorkers::take(Transport::Message& received, RecordKind kind, pool::BytesReader record) {
  switch (kind) {
    case RecordKind::kResults:
      return take_results(record);
    case RecordKind::kBlock:
      return take_block(record, received);
    case RecordKind::kFailure:
      return take_failure(record);
    case RecordKind::kReturned: {
      const auto head = record.take<ReturnedHead>();
      if (Request* request = find(head.request, head.begin, head.end))
        ledger_.requeue(request->take(head.begin, head.end));
      return;
    }
    case RecordKind::kDone: {
      const auto head = record.take<DoneHead>();
      if (Request* request = find(head.request))
        finish(*request, static_cast<int>(head.worker), head.busy_ns);
      return;
    }
    case RecordKind::kRestarted:
    case RecordKind::kBroken:
      if (record.take<std::uint64_t>() != pool_) return;  // from an earlier Pool
      FURROW_LOG(mpi, info, "rank {} reports {}", received.from,
                 kind == RecordKind::kBroken ? "that its workers are given up" : "that it replaced a worker");
      if (kind == RecordKind::kBroken) return collapse(Codec<std::string>::decode(record));
      return restarted(static_cast<int>(record.take<std::uint64_t>()));
    case RecordKind::kReply:
      if (replies_.empty()) return;
      replies_[static_cast<std::size_t>(received.from)].emplace().write(record.skip(0), record.remaining());
      return;
    case RecordKind::kNotice: {
      const std::size_t size = record.remaining();
      return noticed({record.skip(size), size});
    }
    default:
      return;
  }
}

void RemoteWorkers::take_results(pool::BytesReader record) {
  const auto head = record.take<ResultsHead>();
  Request* const request = find(head.request, head.index, head.index + head.count);
  if (!request) return;
  const std::byte* bytes = record.skip(head.count * head.size);
  pool::Chunk& chunk = *request->real;
  if (chunk.store_plain(head.index, head.count, head.size, bytes))
    return request->account(head.index, head.count);
  for (std::uint64_t i = 0; i < head.count; ++i, bytes += head.size) {
    pool::BytesReader value(bytes, head.size);
    try {
      request->store(head.index + i, value);
    } catch (...) {
      request->failed(pool::unread_result(), head.index + i, -1);
    }
  }
}

// Results of different sizes, which only the map itself can tell apart.
void RemoteWorkers::take_block(pool::BytesReader record, Transport::Message& received) {
  const auto head = record.take<BlockHead>();
  Request* const request = find(head.request, head.index, head.index + head.count);
  if (!request) return;
  const std::size_t size = record.remaining();
  std::byte* const values = received.message.data() + (record.skip(size) - received.message.data());
  std::vector<pool::OutOfBandBuffer> used;
  try {
    codec_->unload({values, size}, received.buffers, nullptr, used);
    request->real->store_block(head.index, head.count, {values, size});
  } catch (...) {
    const Failure why = pool::unread_result();
    for (std::uint64_t i = 0; i < head.count; ++i) request->failed(why, head.index + i, -1);
    return;
  }
  request->account(head.index, head.count);
}

void RemoteWorkers::take_failure(pool::BytesReader record) {
  const auto head = record.take<FailureHead>();
  if (Request* request = find(head.request, head.index, head.index + 1))
    request->failed(pool::decode_failure(record), head.index, static_cast<int>(head.worker));
}

void RemoteWorkers::finish(Request& request, int worker, std::int64_t busy_ns) {
  Link& link = links_[static_cast<std::size_t>(request.rank)];
  --link.requests;
  link.chunks -= request.chunks;
  if (request.rank != 0) --remote_requests_;
  const auto found = requests_.find(request.number);
  over_.push_back(std::move(found->second));
  requests_.erase(found);
  const std::int64_t now = os::monotonic_ns();
  for (const Subchunk& each : std::exchange(request.open, {}))
    ledger_.over(each, worker, {now - std::exchange(busy_ns, 0), now});
}

}  // namespace furrow::remote
