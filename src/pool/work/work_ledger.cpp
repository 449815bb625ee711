#include "pool/work/work_ledger.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

constexpr int kMostVainRuns = 3;  // of the same index

int most_vain_deaths(int workers) { return 2 * workers + 8; }

}  // namespace

void WorkLedger::open(Chunk* chunk) {
  chunk->left_ = chunk->end - chunk->begin;
  chunk->subchunks_ = 0;
  chunk->stopped_ = false;
  chunk->worker_ = 0;
  chunk->busy_ns_ = chunk->ended_ns_ = 0;
  chunk->at_ = chunks_.size();
  chunks_.push_back(chunk);
}

void WorkLedger::add(Chunk* chunk) {
  open(chunk);
  ++chunk->subchunks_;
  queue_.push_back({chunk, chunk->begin, chunk->end});
  waiting_ += chunk->left_;
}

WorkLedger::Subchunk WorkLedger::claimed(Chunk* chunk, std::uint64_t begin, std::uint64_t end, int attempts) {
  ++chunk->subchunks_;
  return {chunk, begin, end, attempts};
}

WorkLedger::Subchunk WorkLedger::take(std::uint64_t most) {
  Subchunk& first = queue_.front();
  Subchunk taken = first;
  if (first.size() > most)
    taken = split(first, first.begin + most);
  else
    queue_.pop_front();
  waiting_ -= taken.size();
  return taken;
}

std::vector<WorkLedger::Subchunk> WorkLedger::take_all(const std::function<bool(const Chunk&)>& wanted) {
  std::vector<Subchunk> taken;
  std::erase_if(queue_, [&](const Subchunk& each) {
    if (!wanted(*each.chunk)) return false;
    waiting_ -= each.size();
    taken.push_back(each);
    return true;
  });
  return taken;
}

WorkLedger::Subchunk WorkLedger::split(Subchunk& subchunk, std::uint64_t index) {
  ++subchunk.chunk->subchunks_;
  Subchunk before = subchunk;
  before.end = index;
  if (index != subchunk.begin) subchunk.attempts = subchunk.vain_runs = 0;
  subchunk.begin = index;
  return before;
}

void WorkLedger::wait(const Subchunk& subchunk) {
  waiting_ += subchunk.size();
  queue_.push_front(subchunk);
}

void WorkLedger::requeue(const Subchunk& subchunk) {
  if (subchunk.size() > 0 && !subchunk.chunk->stopped_) return wait(subchunk);
  over(subchunk, kNoWorker, {});
}

std::vector<Chunk*> WorkLedger::withdraw() {
  std::vector<Chunk*> unbegun;
  std::erase_if(queue_, [&](const Subchunk& each) {
    Chunk& chunk = *each.chunk;
    if (chunk.subchunks_ > 1 || each.attempts > 0 || chunk.left_ < chunk.end - chunk.begin) return false;
    waiting_ -= each.size();
    finish(chunk);
    unbegun.push_back(&chunk);
    return true;
  });
  return unbegun;
}

void WorkLedger::reported(Subchunk& subchunk, std::uint64_t count) {
  subchunk.begin += count;
  subchunk.attempts = subchunk.vain_runs = 0;
  reported(*subchunk.chunk, count);
}

void WorkLedger::failed(Subchunk& subchunk, Failure failure, int worker) {
  const std::uint64_t index = subchunk.begin;
  failure.index = subchunk.chunk->item_of(index, failure.index);
  reported(subchunk, 1);
  subchunk.chunk->failed(std::move(failure), index, std::max(worker, 0));
}

void WorkLedger::rest_failed(Subchunk& subchunk, const Failure& failure, int worker) {
  while (subchunk.size() > 0) failed(subchunk, failure, worker);
}

void WorkLedger::attempt_failed(Subchunk& subchunk, Failure failure, int worker) {
  if (failure.attempts > subchunk.chunk->retries || subchunk.chunk->stopped_)
    return failed(subchunk, std::move(failure), worker);
  Subchunk again = split(subchunk, subchunk.begin + 1);
  again.attempts = failure.attempts;
  again.vain_runs = 0;
  wait(again);
}

void WorkLedger::over(Subchunk subchunk, int worker, const Chunk::Times& times) {
  Chunk& chunk = *subchunk.chunk;
  if (subchunk.size() > 0)
    rest_failed(subchunk, chunk.stopped_ ? stopped_first() : pool::lost("it was not reported"), worker);
  if (worker >= 0) chunk.worker_ = worker;
  chunk.busy_ns_ += times.ended_ns - times.began_ns;
  chunk.ended_ns_ = std::max(chunk.ended_ns_, times.ended_ns);
  if (--chunk.subchunks_ > 0 || chunk.left_ > 0) return;
  finish(chunk);
  chunk.done(chunk.worker_, {chunk.ended_ns_ - chunk.busy_ns_, chunk.ended_ns_});
}

void WorkLedger::finish(Chunk& chunk) {
  chunks_.back()->at_ = chunk.at_;
  chunks_[chunk.at_] = chunks_.back();
  chunks_.pop_back();
}

std::uint64_t WorkLedger::item_at_death(Subchunk& subchunk, std::uint64_t published, bool had_begun) {
  if (subchunk.size() == 0) return kNoItem;
  if (published != kNoItem && subchunk.has(subchunk.chunk->index_of_item(published))) return published;
  if (!had_begun || ++subchunk.vain_runs < kMostVainRuns) return kNoItem;
  FURROW_LOG(pool, info, "{} workers in a row ended at the same item, without a report", subchunk.vain_runs);
  return subchunk.begin * subchunk.chunk->items_per_index;
}

void WorkLedger::died(Subchunk subchunk, int worker, const Death& death) {
  Chunk& chunk = *subchunk.chunk;
  if (death.item == kNoItem || chunk.stopped_) return requeue(subchunk);
  const std::uint64_t index = chunk.index_of_item(death.item);
  const int attempts = std::max(death.attempts, index == subchunk.begin ? subchunk.attempts : 0) + 1;
  const std::uint64_t item = chunk.item_of(index, death.item);
  const bool is_retried = attempts <= chunk.retries;
  FURROW_LOG(pool, info, "worker {} died while it ran item {}, attempt {}: the item {}", worker, item,
             attempts, is_retried ? "is tried again" : "has failed");
  ++progress_;
  // Indices before it that were not reported, because they ran at the same time, run once more.
  const Subchunk before = split(subchunk, index);
  Subchunk ran = split(subchunk, index + 1);
  requeue(subchunk);
  if (is_retried) {
    ran.attempts = attempts;
    ran.vain_runs = 0;
    wait(ran);
  } else {
    Failure failure = death.is_late ? timed_out(item, chunk.timeout_s) : pool::died(item, death.wait_status);
    failure.attempts = attempts;
    failed(ran, std::move(failure), worker);
    over(ran, worker, {});
  }
  requeue(before);
}

void WorkLedger::lost(Subchunk subchunk, const std::string& why) {
  Chunk& chunk = *subchunk.chunk;
  if (chunk.retries > 0 || chunk.stopped_) return requeue(subchunk);
  while (subchunk.size() > 0)
    failed(subchunk, pool::died(chunk.index_in_map(subchunk.begin), why), kNoWorker);
  over(subchunk, kNoWorker, {});
}

void WorkLedger::died_in_vain(int workers, int wait_status) {
  vain_deaths_ = progress_ == progress_then_ ? vain_deaths_ + 1 : 0;
  progress_then_ = progress_;
  if (vain_deaths_ > most_vain_deaths(workers))
    throw PoolError("worker processes end before they begin a task; the last one " +
                    how_it_ended(wait_status));
}

bool WorkLedger::stop(std::uint64_t id) {
  bool any = false;
  for (Chunk* each : chunks_)
    if (each->stop_id() == id && !std::exchange(each->stopped_, true)) any = true;
  if (any)
    for (const Subchunk& each : take_all([](const Chunk& chunk) { return chunk.stopped_; }))
      over(each, kNoWorker, {});
  return any;
}

void WorkLedger::fail_waiting(const Failure& failure) {
  for (Subchunk& each : take_all([](const Chunk&) { return true; })) {
    rest_failed(each, failure, kNoWorker);
    over(each, kNoWorker, {});
  }
}

}  // namespace furrow::pool
