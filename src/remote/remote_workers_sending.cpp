// How RemoteWorkers chooses a rank for each subchunk, and writes the messages that carry them.
#include <algorithm>
#include <cstring>

#include "pool/task/failure.hpp"
#include "remote/request.hpp"

namespace furrow::remote {

namespace {

constexpr std::uint64_t kCallsAhead = 256;  // as kChunksAhead, for single calls
// The most bytes of inputs in one request, unless a single input is larger.
constexpr std::size_t kInputsAtOnce = std::size_t{8} << 20;
constexpr std::size_t kFullMessage = std::size_t{256} << 10;
constexpr std::size_t kTreeBytes = std::size_t{64} << 10;  // a map larger than this goes down the tree

// Never reused, not even by a later Pool: records of an earlier Pool may still arrive.
std::uint64_t last_request_id = 0;

std::uint64_t chunks_in(const pool::Chunk& chunk, std::uint64_t indices) {
  return chunk.chunksize ? (indices + chunk.chunksize - 1) / chunk.chunksize : indices;
}

}  // namespace

int RemoteWorkers::choose_link(const Subchunk& subchunk) const {
  const std::uint64_t ahead = subchunk.chunk->map == 0 ? kCallsAhead : kChunksAhead;
  int best = -1;
  double least = 0;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const Link& each = links_[i];
    const auto workers = static_cast<std::uint64_t>(each.workers);
    if (workers == 0) continue;
    if (each.requests >= kRequestsAhead && each.chunks >= ahead * workers) continue;
    const double load = static_cast<double>(each.chunks) / each.workers;
    if (best >= 0 && load >= least) continue;
    best = static_cast<int>(i);
    least = load;
  }
  return best;
}

bool RemoteWorkers::dispatch_queue() {
  bool happened = false;
  while (ledger_.waits()) {
    const int rank = choose_link(ledger_.front());
    if (rank < 0) break;
    send(rank, ledger_.take());
    happened = true;
  }
  return happened;
}

// What does not fit into one message waits again.
void RemoteWorkers::send(int rank, const Subchunk& subchunk) {
  auto made = std::make_unique<Request>(*this, rank, ++last_request_id, subchunk);
  Request& request = *made;
  std::optional<Failure> failure;
  request.end = rank == 0 ? subchunk.end : write_chunk(rank, request, failure);
  if (failure) request.failed(*std::move(failure), request.end, -1);
  const std::uint64_t next = failure ? request.end + 1 : request.end;
  if (next < subchunk.end) ledger_.requeue(request.take(next, subchunk.end));
  if (request.end == subchunk.begin) return ledger_.over(request.open.front(), -1, {});
  request.chunks = chunks_in(*subchunk.chunk, request.end - request.begin);
  requests_.emplace(request.number, std::move(made));
  Link& link = links_[static_cast<std::size_t>(rank)];
  ++link.requests;
  link.chunks += request.chunks;
  if (rank == 0) return own_->submit(&request);
  ++remote_requests_;
  if (link.out.size() >= kFullMessage || !link.out.buffers.empty()) dispatch(rank);
}

void RemoteWorkers::dispatch(int rank) {
  RecordWriter& out = links_[static_cast<std::size_t>(rank)].out;
  transport_.send(rank, out.take(), out.take_buffers());
}

// Writes the first indices of REQUEST that fit; returns the one after them, and the failure to write that one.
std::uint64_t RemoteWorkers::write_chunk(int rank, Request& request, std::optional<Failure>& failure) {
  Link& link = links_[static_cast<std::size_t>(rank)];
  pool::Chunk& chunk = *request.real;
  std::optional<ChunkWriter> writer;
  std::uint64_t index = request.begin;
  try {
    teach(rank, chunk);
    writer.emplace(link.out,
                   ChunkHead{request.number, chunk.map, index, index, chunk.chunksize, chunk.items_per_index,
                             chunk.result_size, static_cast<std::uint64_t>(chunk.retries), chunk.timeout_s,
                             index - chunk.index_in_map(index)});
    for (; index < request.end && (writer->size() < kInputsAtOnce || index == request.begin); ++index) {
      chunk.encode(index, index + 1, writer->next());
      if (codec_) codec_->load(writer->written(), link.out.buffers, &link.lasting[request.map]);
      writer->end_input();
    }
  } catch (...) {
    failure = pool::unsent_input();
  }
  if (writer) index > request.begin ? writer->end() : link.out.drop();
  return index;
}

// Sends the map's function to a rank before its first chunk; a large one to all ranks at once, down a tree.
void RemoteWorkers::teach(int rank, pool::Chunk& chunk) {
  Link& link = links_[static_cast<std::size_t>(rank)];
  const auto knows = [&](const Link& each) {
    return std::find(each.maps.begin(), each.maps.end(), chunk.map) != each.maps.end();
  };
  if (chunk.map == 0 || knows(link)) return;
  const auto remember = [&](Link& by) {
    by.maps.push_back(chunk.map);
    by.lasting.erase(chunk.map);
    if (by.maps.size() <= pool::MessageWorkers::kMaps) return;
    by.lasting.erase(by.maps.front());
    by.maps.pop_front();
  };
  RecordWriter map;
  Writer& record = map.begin(RecordKind::kMap);
  const std::uint64_t direct[2] = {chunk.map, 0};
  record.write(direct, sizeof direct);
  chunk.encode_map(record);
  map.end();
  const bool by_tree = transport_.connects_all() && map.size() > kTreeBytes && links_.size() > 2 &&
                       std::none_of(links_.begin() + 1, links_.end(), knows);
  Bytes bytes = map.take();
  if (!by_tree) {
    remember(link);
    link.out.append(bytes);
    return;
  }
  const std::uint64_t passed_on = 1;
  std::memcpy(bytes.data() + sizeof(channel::FrameHeader) + sizeof chunk.map, &passed_on, sizeof passed_on);
  for (int child : {1, 2}) {
    Bytes copy;
    copy.write(bytes.data(), bytes.size());
    transport_.send(child, std::move(copy));
  }
  for (std::size_t i = 1; i < links_.size(); ++i) remember(links_[i]);
}

void RemoteWorkers::flush() {
  for (std::size_t i = 1; i < links_.size(); ++i)
    if (!links_[i].out.empty()) {
      dispatch(static_cast<int>(i));
      links_[i].out.reuse(transport_.spare());
    }
}

}  // namespace furrow::remote
