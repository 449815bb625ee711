// The part of a chunk that was sent to a rank under one request id. Rank 0's own workers get the Request itself as their chunk.
//
// Ownership: RemoteWorkers owns it; it borrows RemoteWorkers and the chunk. Thread-safety: as RemoteWorkers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "remote/remote_workers.hpp"

namespace furrow::remote {

struct RemoteWorkers::Request : pool::Chunk {
  Request(RemoteWorkers& of, int to, std::uint64_t id, const Subchunk& subchunk)
      : workers(of), rank(to), number(id), real(subchunk.chunk), open{subchunk} {
    be_part_of(*real, subchunk.begin, subchunk.end);
  }
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override { real->encode(from, to, body); }
  void encode_map(Writer& body) override { real->encode_map(body); }
  void store(std::uint64_t index, pool::ValueReader& result) override {
    real->store(index, result);
    account(index, 1);
  }
  void store_block(std::uint64_t index, std::uint64_t count, std::span<const std::byte> bytes) override {
    real->store_block(index, count, bytes);
    account(index, count);
  }
  void failed(Failure failure, std::uint64_t index, int worker) override {
    Subchunk subchunk = take(index, index + 1);
    workers.ledger_.failed(subchunk, std::move(failure), worker);
    workers.ledger_.over(subchunk, worker, {});
  }
  void done(int worker, const Times& times) override {
    workers.finish(*this, worker, times.ended_ns - times.began_ns);
  }
  std::uint64_t index_in_map(std::uint64_t index) const override { return real->index_in_map(index); }

  // The subchunk that begins with these indices; null if some of them are accounted for.
  Subchunk* open_at(std::uint64_t from, std::uint64_t to) {
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (from < open[i].begin || to > open[i].end) continue;
      if (open[i].begin < from) open.push_back(workers.ledger_.split(open[i], from));
      return &open[i];
    }
    return nullptr;
  }
  void account(std::uint64_t index, std::uint64_t count) {
    Subchunk& subchunk = *open_at(index, index + count);
    workers.ledger_.reported(subchunk, count);
    close(subchunk);
  }
  Subchunk take(std::uint64_t from, std::uint64_t to) {
    Subchunk& subchunk = *open_at(from, to);
    const Subchunk taken = workers.ledger_.split(subchunk, to);
    close(subchunk);
    return taken;
  }
  // The last one stays until the request is done.
  void close(Subchunk& subchunk) {
    if (subchunk.size() > 0 || open.size() == 1) return;
    workers.ledger_.over(subchunk, pool::WorkLedger::kNoWorker, {});
    subchunk = open.back();
    open.pop_back();
  }

  RemoteWorkers& workers;
  const int rank;
  const std::uint64_t number;
  pool::Chunk* const real;
  std::vector<Subchunk> open;  // what is not accounted for: slices are reported in any order
  std::uint64_t chunks = 0;    // what it adds to Link::chunks
};

}  // namespace furrow::remote
