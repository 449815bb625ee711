// The account of chunks that other processes run: which indices wait, and what became of each index that was handed
// out. Whatever carries the work, what a report, a death, a stop or a loss means for it is decided here.
//
//   subchunk:  waits -> held -> reported or failed, index by index, in their order -> over
//              held -> requeued, not begun -> waits
//              held -> its holder died -> the item that ran waits again or has failed, the rest waits
//   chunk:     added -> every index has one result or failure, and no subchunk is left -> done
//
// A subchunk moves by value: the queue has it, or the one who took it. What a stopped chunk has waiting, or gets
// back, fails as cancelled. The ledger calls Chunk::failed() and Chunk::done(). It does no input or output, and
// times come in.
//
// Thread-safety: one thread at a time. Borrows the chunks until they are done.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "furrow/detail/published_item.hpp"
#include "pool/work/chunk.hpp"

namespace furrow::pool {

class WorkLedger {
 public:
  static constexpr std::uint64_t kNoItem = detail::PublishedItem::kNone;
  static constexpr int kNoWorker = -1;

  // Consecutive indices of a chunk, without those that are accounted for.
  struct Subchunk {
    Chunk* chunk = nullptr;
    std::uint64_t begin = 0, end = 0;
    int attempts = 0;       // failed attempts at index `begin`
    int vain_runs = 0;      // holders in a row that had `begin` first in their work, and ended without a word
    bool is_large = false;  // for workers that hold nothing else
    std::uint64_t size() const { return end - begin; }
    bool has(std::uint64_t index) const { return index >= begin && index < end; }
  };

  // What is known of a holder that died.
  struct Death {
    std::uint64_t item = kNoItem;  // the item of the subchunk that it ran (item_at_death)
    int wait_status = 0;
    int attempts = 0;      // failed attempts at the item that the holder itself counted
    bool is_late = false;  // it was killed since the item took too long
  };

  // All of CHUNK waits.
  void add(Chunk* chunk);
  // None of CHUNK waits, since its workers claim its indices by themselves. claimed() is what one of them held when
  // it died, and release() leaves a subchunk to such a worker.
  void open(Chunk* chunk);
  Subchunk claimed(Chunk* chunk, std::uint64_t begin, std::uint64_t end, int attempts);
  void release(const Subchunk& subchunk) { --subchunk.chunk->subchunks_; }

  bool waits() const { return !queue_.empty(); }
  std::uint64_t waiting_indices() const { return waiting_; }
  const Subchunk& front() const { return queue_.front(); }
  bool idle() const { return chunks_.empty(); }
  std::uint64_t left(const Chunk& chunk) const { return chunk.left_; }
  bool is_stopped(const Chunk& chunk) const { return chunk.stopped_; }

  // Takes the first subchunk that waits, or at most MOST indices of it.
  Subchunk take(std::uint64_t most = ~std::uint64_t{0});
  // Takes all subchunks that wait of the chunks that WANTED selects.
  std::vector<Subchunk> take_all(const std::function<bool(const Chunk&)>& wanted);
  // Takes the indices below INDEX out of SUBCHUNK.
  Subchunk split(Subchunk& subchunk, std::uint64_t index);
  // SUBCHUNK was not begun: it is the first to wait.
  void requeue(const Subchunk& subchunk);
  // Takes the chunks of which nothing was begun out of the ledger.
  std::vector<Chunk*> withdraw();

  // Accounts for the first COUNT indices of SUBCHUNK; for a subchunk that was released, of its chunk.
  void reported(Subchunk& subchunk, std::uint64_t count);
  void reported(Chunk& chunk, std::uint64_t count) {
    chunk.left_ -= count;
    progress_ += count;
  }
  // The first index of SUBCHUNK has failed; or all of its indices.
  void failed(Subchunk& subchunk, Failure failure, int worker);
  void rest_failed(Subchunk& subchunk, const Failure& failure, int worker);
  // An attempt at the first index of SUBCHUNK has failed: it waits again, if its retries allow.
  void attempt_failed(Subchunk& subchunk, Failure failure, int worker);
  // The holder has nothing more to say about SUBCHUNK; what it has not reported has failed.
  void over(Subchunk subchunk, int worker, const Chunk::Times& times);

  // The item of SUBCHUNK that its dead holder was running, or kNoItem, if that was none or is unknown. PUBLISHED: what the
  // holder said. A task that hides its item and ends its worker would run for ever, so after a few holders that HAD_BEGUN
  // the item at the first index counts.
  std::uint64_t item_at_death(Subchunk& subchunk, std::uint64_t published, bool had_begun);
  // The holder of SUBCHUNK died: its item has failed or waits again, the rest waits.
  void died(Subchunk subchunk, int worker, const Death& death);
  // The holder of SUBCHUNK is gone, and nobody knows which of its tasks had begun.
  void lost(Subchunk subchunk, const std::string& why);
  // One of WORKERS workers died without having begun anything. Throws PoolError if too many did since the last sign of
  // progress, since replacing workers would never end.
  void died_in_vain(int workers, int wait_status);

  // Tasks of the chunks with this stop_id() should end. False if there is no such chunk that was not stopped before.
  bool stop(std::uint64_t id);
  // All that waits has failed.
  void fail_waiting(const Failure& failure);

 private:
  void wait(const Subchunk& subchunk);
  void finish(Chunk& chunk);

  std::deque<Subchunk> queue_{};
  std::vector<Chunk*> chunks_{};  // those that are not done
  std::uint64_t waiting_ = 0;     // indices in the queue
  std::uint64_t progress_ = 0;    // indices accounted for, and deaths attributed to an item
  std::uint64_t progress_then_ = 0;
  int vain_deaths_ = 0;
};

}  // namespace furrow::pool
