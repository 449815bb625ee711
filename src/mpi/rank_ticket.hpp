// A stretch that was sent to a rank, and which of its units have come back; for rank 0's own workers it is
// the parcel that they get.
//
// Owned by its RankCrew, which it borrows, as the parcel that it is of. Thread-safety: as the crew's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "mpi/rank_crew.hpp"

namespace furrow::mpi_detail {

struct RankCrew::Ticket : pool::Parcel {
  Ticket(RankCrew& of, int to) : crew(of), rank(to) {}
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override { real->encode(from, to, body); }
  void encode_job(Writer& body) override { real->encode_job(body); }
  void store(std::uint64_t unit, Reader& result) override {
    real->store(unit, result);
    account(unit, 1);
  }
  void store_block(std::uint64_t unit, std::uint64_t count, std::span<const std::byte> bytes) override {
    real->store_block(unit, count, bytes);
    account(unit, count);
  }
  void failed(Failure failure, std::uint64_t unit, int worker) override {
    account(unit, 1);
    crew.fail(*real, unit, std::move(failure), worker);
  }
  void done(int worker, const Times& times) override { crew.finish(*this, worker, times.ended_ns); }
  std::uint64_t index_of(std::uint64_t unit) const override { return real->index_of(unit); }
  void account(std::uint64_t unit, std::uint64_t count) {
    mark(unit, count);
    real->left -= count;
  }
  void mark(std::uint64_t unit, std::uint64_t count) {
    open -= count;
    std::fill_n(seen.begin() + static_cast<std::ptrdiff_t>(unit - begin), count, true);
  }
  bool knows(std::uint64_t unit) const { return seen[unit - begin]; }

  RankCrew& crew;
  const int rank;
  pool::Parcel* real = nullptr;
  std::uint64_t number = 0;
  std::uint64_t open = 0;    // units that are not accounted for
  std::vector<bool> seen{};  // which are
  std::uint64_t chunks = 0;  // that it counts as
};

}  // namespace furrow::mpi_detail
