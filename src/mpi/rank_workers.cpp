#include "mpi/rank_workers.hpp"

#include <algorithm>

#include "pool/map/participant.hpp"
#include "pool/task/failure.hpp"

namespace furrow::mpi_detail {

namespace {

constexpr double kAhead_ns = 200'000;  // of work, for each worker
constexpr std::size_t kMostAhead = 256;
constexpr std::size_t kLeastAhead = 2;
constexpr std::size_t kPaces = 8;

// Puts the number of the crew's first worker into the head that everything sent begins with.
class Numbering : public Writer {
 public:
  Numbering(Writer& to, std::uint64_t first_worker) : to_(to), first_worker_(first_worker) {}
  void write(const void* data, std::size_t size) override {
    if (begun_ || size < sizeof first_worker_) return to_.write(data, size);
    begun_ = true;
    to_.write(&first_worker_, sizeof first_worker_);
    to_.write(static_cast<const std::byte*>(data) + sizeof first_worker_, size - sizeof first_worker_);
  }

 private:
  Writer& to_;
  const std::uint64_t first_worker_;
  bool begun_ = false;
};

os::SharedMemory memory_for(int workers) {
  auto segment = os::SharedMemory::create(pool::MessageCrew::bytes_for(workers));
  if (!segment) throw PoolError(segment.error().to_string());
  return std::move(*segment);
}

}  // namespace

struct RankWorkers::Stretch {
  pool::Parcel* parcel = nullptr;
  std::uint64_t next = 0;  // unit that is not in a slice
  std::uint64_t left = 0;  // units that are not accounted for
  std::int64_t busy_ns = 0;
  int worker = 0;
};

struct RankWorkers::Slice : pool::Parcel {
  explicit Slice(RankWorkers& of) : workers(of) {}
  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override {
    if (job != 0 || workers.cargo_) return stretch->parcel->encode(from, to, body);
    Numbering numbered(body, workers.first_worker_);
    stretch->parcel->encode(from, to, numbered);
  }
  void encode_job(Writer& body) override {
    if (workers.cargo_) return stretch->parcel->encode_job(body);
    Numbering numbered(body, workers.first_worker_);
    stretch->parcel->encode_job(numbered);
  }
  void store(std::uint64_t unit, Reader& result) override { stretch->parcel->store(unit, result); }
  void store_block(std::uint64_t unit, std::uint64_t count, std::span<const std::byte> bytes) override {
    stretch->parcel->store_block(unit, count, bytes);
  }
  void failed(Failure failure, std::uint64_t unit, int worker) override {
    stretch->parcel->failed(std::move(failure), unit, worker + static_cast<int>(workers.first_worker_));
  }
  void done(int worker, const Times& times) override { workers.slice_done(*this, worker, times); }
  std::uint64_t index_of(std::uint64_t unit) const override { return stretch->parcel->index_of(unit); }

  RankWorkers& workers;
  Stretch* stretch = nullptr;
};

RankWorkers::RankWorkers(int workers, PoolOptions options, bool alone, pool::Cargo* cargo)
    : options_(std::move(options)), cargo_(cargo) {
  pool::MessageHandler& handler = cargo ? cargo->handler() : handler_;
  crew_ = std::make_unique<pool::MessageCrew>(memory_for(workers), workers, options_, handler, alone);
}

RankWorkers::~RankWorkers() = default;

void RankWorkers::abandon() {
  crew_->end(pool::Ending::kNow);
  uncut_units_ = 0;
  for (auto& each : stretches_) over_.push_back(std::move(each));
  stretches_.clear();
}

void RankWorkers::submit(pool::Parcel* stretch) {
  auto& made = *stretches_.emplace_back(std::make_unique<Stretch>());
  made.parcel = stretch;
  made.next = stretch->begin;
  made.left = stretch->end - stretch->begin;
  uncut_units_ += made.left;
  cut();
}

bool RankWorkers::work() {
  cut();
  const bool happened = crew_->work();
  cut();
  over_.clear();
  return happened;
}

RankWorkers::Pace& RankWorkers::pace_of(std::uint64_t job) {
  for (Pace& each : paces_)
    if (each.job == job) return each;
  if (paces_.size() == kPaces) paces_.pop_front();
  return paces_.emplace_back(Pace{job});
}

std::uint64_t RankWorkers::next_size(const Stretch& from) {
  const std::uint64_t left = from.parcel->end - from.next;
  if (from.parcel->chunksize) return std::min(from.parcel->chunksize, left);
  const std::uint64_t fair = uncut_units_ / (2 * static_cast<std::uint64_t>(workers()));
  return std::min({pace_of(from.parcel->job).sizer.next(), std::max<std::uint64_t>(fair, 1), left});
}

std::size_t RankWorkers::ahead(const Stretch& of) {
  const double slice_ns = pace_of(of.parcel->job).unit_ns * static_cast<double>(next_size(of));
  std::size_t each = kLeastAhead;
  if (slice_ns > 0)
    each =
        static_cast<std::size_t>(std::clamp(kAhead_ns / slice_ns, double{kLeastAhead}, double{kMostAhead}));
  crew_->window = each;
  return each * static_cast<std::size_t>(workers());
}

void RankWorkers::cut() {
  if (uncut_units_ == 0) return;
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    Stretch& each = *stretches_[i];
    const std::size_t most = ahead(each);
    while (each.next < each.parcel->end) {
      if (under_way_ >= most) return;
      cut(each);
    }
  }
}

void RankWorkers::cut(Stretch& from) {
  if (free_.empty()) free_.push_back(slices_.emplace_back(std::make_unique<Slice>(*this)).get());
  Slice* const slice = free_.back();
  free_.pop_back();
  slice->stretch = &from;
  slice->begin = from.next;
  slice->end = from.next += next_size(from);
  uncut_units_ -= slice->end - slice->begin;
  slice->job = from.parcel->job;
  slice->unit_items = from.parcel->unit_items;
  slice->result_size = from.parcel->result_size;
  slice->timeout_s = from.parcel->timeout_s;
  slice->retries = from.parcel->retries;
  ++under_way_;
  crew_->submit(slice);
}

void RankWorkers::slice_done(Slice& slice, int worker, const pool::Parcel::Times& times) {
  Stretch& stretch = *slice.stretch;
  const std::uint64_t units = slice.end - slice.begin;
  const std::int64_t took_ns = times.ended_ns - times.began_ns;
  Pace& pace = pace_of(slice.job);
  pace.sizer.measured(units, static_cast<std::uint64_t>(took_ns));
  pace.unit_ns = static_cast<double>(took_ns) / static_cast<double>(units);
  stretch.left -= units;
  stretch.busy_ns += took_ns;
  stretch.worker = std::max(worker, 0) + static_cast<int>(first_worker_);
  --under_way_;
  free_.push_back(&slice);
  finish_if_over(stretch);
}

void RankWorkers::finish_if_over(Stretch& stretch) {
  if (stretch.left > 0) return;
  const auto found = std::find_if(stretches_.begin(), stretches_.end(),
                                  [&](const auto& each) { return each.get() == &stretch; });
  over_.push_back(std::move(*found));
  stretches_.erase(found);
  stretch.parcel->done(stretch.worker, {0, stretch.busy_ns});
}

void RankWorkers::give_back(const Wanted& wanted, const Returned& returned) {
  std::vector<std::pair<Stretch*, pool::Span>> taken;
  for (auto& each : stretches_) {
    const pool::Span rest{each->next, each->parcel->end};
    if (rest.empty() || !wanted(*each->parcel)) continue;
    each->next = rest.end;
    uncut_units_ -= rest.size();
    taken.push_back({each.get(), rest});
  }
  for (pool::Parcel* each : crew_->withdraw()) {
    auto* const slice = static_cast<Slice*>(each);
    if (!wanted(*slice->stretch->parcel)) {
      crew_->submit(slice);
      continue;
    }
    taken.push_back({slice->stretch, {slice->begin, slice->end}});
    --under_way_;
    free_.push_back(slice);
  }
  for (auto& [stretch, units] : taken) {
    stretch->left -= units.size();
    returned(stretch->parcel, units.begin, units.end);
  }
  std::vector<Stretch*> over;
  for (auto& each : stretches_)
    if (each->left == 0) over.push_back(each.get());
  for (Stretch* each : over) finish_if_over(*each);
}

void RankWorkers::stop(std::uint64_t job) {
  Failure cancelled = pool::cancelled("the map was stopped first");
  give_back([&](const pool::Parcel& stretch) { return stretch.job == job; },
            [&](pool::Parcel* stretch, std::uint64_t begin, std::uint64_t end) {
              for (std::uint64_t unit = begin; unit < end; ++unit) {
                cancelled.index = stretch->item_of(unit, 0);
                stretch->failed(cancelled, unit, 0);
              }
            });
  crew_->stop(job);
}

}  // namespace furrow::mpi_detail
