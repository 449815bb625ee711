// Part of a chunk that was sent to a rank, and which of its indices are accounted for. Rank 0's own workers
// get the Request itself as their chunk.
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
  Request(RemoteWorkers& of, int to) : workers(of), rank(to) {}
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override { real->encode(from, to, body); }
  void encode_map(Writer& body) override { real->encode_map(body); }
  void store(std::uint64_t index, Reader& result) override {
    real->store(index, result);
    account(index, 1);
  }
  void store_block(std::uint64_t index, std::uint64_t count, std::span<const std::byte> bytes) override {
    real->store_block(index, count, bytes);
    account(index, count);
  }
  void failed(Failure failure, std::uint64_t index, int worker) override {
    account(index, 1);
    workers.fail(*real, index, std::move(failure), worker);
  }
  void done(int worker, const Times& times) override { workers.finish(*this, worker, times.ended_ns); }
  std::uint64_t index_in_map(std::uint64_t index) const override { return real->index_in_map(index); }
  void account(std::uint64_t index, std::uint64_t count) {
    mark(index, count);
    real->left -= count;
  }
  void mark(std::uint64_t index, std::uint64_t count) {
    open -= count;
    std::fill_n(seen.begin() + static_cast<std::ptrdiff_t>(index - begin), count, true);
  }
  bool knows(std::uint64_t index) const { return seen[index - begin]; }

  RemoteWorkers& workers;
  const int rank;
  pool::Chunk* real = nullptr;
  std::uint64_t number = 0;
  std::uint64_t open = 0;    // how many indices are not accounted for
  std::vector<bool> seen{};  // which indices are accounted for
  std::uint64_t chunks = 0;  // what it adds to Link::chunks
};

}  // namespace furrow::remote
