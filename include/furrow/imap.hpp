// The ranges that Pool::imap and Pool::try_imap return: results, or outcomes, as they become available.
//
// A single-pass input range, for one thread. In the range of imap, an item's failure is thrown when its turn comes, by
// begin() or operator++; the range can be read further after that, by operator* as well as by operator++: both give the
// next item, or throw its failure, and neither skips one. In the range of try_imap, a failure is an Outcome like a
// result; only an error of the inputs or of the Pool is thrown. If the map fails fast, the range ends with its first
// failure. If it is cancelled, that of imap throws Cancelled at the next step, and that of try_imap ends with an Outcome
// of kind kCancelled. At most two chunks of inputs for each worker are read
// ahead. Destroying the range drops the tasks that have not started, and waits for those that run. It must
// not outlive its Pool.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/inputs.hpp"
#include "furrow/detail/kernels.hpp"
#include "furrow/options.hpp"
#include "furrow/outcome.hpp"

namespace FURROW_NAMESPACE {

class Pool;

namespace detail {

// Results of a chunk, addressed by item index.
template <class R>
struct OffsetOutcomes {
  Outcome<R>* items;
  std::uint64_t first;
  template <class... Result>
  void store(std::uint64_t i, Result&&... result) const {
    if constexpr (std::is_void_v<R>)
      items[i - first] = Outcome<void>::done();
    else
      items[i - first] = Outcome<R>(std::forward<Result>(result)...);
  }
};

// Tries: its values are Outcomes.
template <class F, class Range, bool Tries>
class Imap {
  using Function = std::remove_reference_t<F>;
  using Source = std::remove_reference_t<Range>;
  using X = std::iter_value_t<IteratorOf<Source>>;
  using R = ResultOf<Function, X&>;
  using Work = ItemMap<Function, OffsetInputs<X>, OffsetOutcomes<R>>;

  struct Chunk {
    Work work;  // must come first: backends identify a chunk by the address of its work
    std::uint64_t first;
    std::vector<X> inputs{};
    std::vector<Outcome<R>> outcomes{};
    bool done = false;
  };

 public:
  class Sentinel {};
  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type =
        std::conditional_t<Tries, Outcome<R>, std::conditional_t<std::is_void_v<R>, std::uint64_t, R>>;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(Imap* imap) : imap_(imap) {}
    // The outcome, or the result; for functions that return nothing the index of the finished item.
    // Throws std::out_of_range at the end.
    value_type& operator*() const { return imap_->current(); }
    Iterator& operator++() {
      imap_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, Sentinel) { return it.is_at_end(); }

   private:
    bool is_at_end() const { return imap_->at_end(); }
    Imap* imap_ = nullptr;
  };

  Imap(F&& f, Range&& range, Pool& pool, const MapOptions& options, bool ordered)
      : state_(std::make_unique<State>(std::forward<F>(f), std::forward<Range>(range))),
        ordered_(ordered),
        fails_fast_(options.on_error == OnError::kFailFast),
        fixed_chunk_(options.chunksize),
        chunk_(options.chunksize ? options.chunksize : 1) {
    prototype_ = Work{&state_->f, {}, {}};
    stream_ = open(pool, options);
    window_ = window_of(pool);
  }
  Imap(Imap&&) = delete;

  Iterator begin() {
    if (!state_->next) {
      state_->next.emplace(std::ranges::begin(state_->range));
      advance();
    }
    return Iterator(this);
  }
  Sentinel end() const { return {}; }
  // The index of the current item among the inputs.
  std::uint64_t index() const { return index_; }

 private:
  struct State {
    F f;
    Range range;
    std::optional<IteratorOf<Source>> next{};
    State(F&& function, Range&& given) : f(std::forward<F>(function)), range(std::forward<Range>(given)) {}
  };
  template <class P>
  std::unique_ptr<Stream> open(P& pool, const MapOptions& options) {
    return pool.open_stream(Kernel<Work>::call(prototype_, ~std::uint64_t{0}), options);
  }
  template <class P>
  static std::size_t window_of(P& pool) {
    return 2 * static_cast<std::size_t>(pool.workers());
  }

  // Submits chunks until there are two for each worker that run, wait or are not read yet.
  void fill() {
    while (!exhausted_ && chunks_.size() < window_) {
      auto chunk = std::make_unique<Chunk>(Chunk{prototype_, submitted_});
      const auto end = std::ranges::end(state_->range);
      auto& next = *state_->next;
      try {
        while (chunk->inputs.size() < chunk_ && !(exhausted_ = next == end)) {
          chunk->inputs.emplace_back(*next);
          ++next;
        }
      } catch (...) {
        // Inputs read before the error are still computed; the error is thrown after their results.
        exhausted_ = true;
        input_error_ = std::current_exception();
      }
      if (chunk->inputs.empty()) return;
      chunk->outcomes.resize(chunk->inputs.size());
      chunk->work.inputs = {chunk->inputs.data(), chunk->first};
      chunk->work.sink = {chunk->outcomes.data(), chunk->first};
      submitted_ += chunk->inputs.size();
      stream_->submit(&chunk->work, chunk->first, submitted_);
      chunks_.push_back(std::move(chunk));
    }
  }

  // Waits until the chunk that is to be read next is done, and moves it to the front.
  bool await() {
    for (;;) {
      for (auto each = chunks_.begin(); each != chunks_.end(); ++each) {
        if ((*each)->done) {
          std::swap(*each, chunks_.front());
          return true;
        }
        if (ordered_) break;
      }
      const Stream::Done done = stream_->wait();
      if (!done.chunk) return false;
      for (auto& each : chunks_)
        if (&each->work == done.chunk) settle(*each, done.busy_s);
    }
  }

  // Chunks grow while they take less than a tenth of a millisecond, so that for cheap tasks the cost of
  // dispatching a chunk stays small.
  void settle(Chunk& chunk, double busy_s) {
    chunk.done = true;
    if (fixed_chunk_ == 0 && chunk.inputs.size() == chunk_) {
      if (busy_s < 1e-4 && chunk_ < kLargestChunk) chunk_ *= 2;
      if (busy_s > 4e-4 && chunk_ > 1) chunk_ /= 2;
    }
  }

  void advance() {
    current_.reset();
    if (ended_) return;
    if (cancelled()) return end_cancelled();
    if (!front_) {
      fill();
      const bool more = !chunks_.empty() && await();
      if (cancelled()) return end_cancelled();
      if (!more) {
        ended_ = true;
        if (input_error_) std::rethrow_exception(std::exchange(input_error_, nullptr));
        return;
      }
      front_ = std::move(chunks_.front());
      chunks_.pop_front();
      read_ = 0;
      fill();
    }
    index_ = front_->first + read_;
    Outcome<R> outcome = std::move(front_->outcomes[read_++]);
    if (read_ == front_->outcomes.size()) front_.reset();
    Failure failure;
    const bool failed = stream_->take_failure(index_, failure);
    if (failed && fails_fast_) stop();
    if constexpr (Tries) {
      current_.emplace(failed ? Outcome<R>(std::move(failure)) : std::move(outcome));
    } else {
      if (failed) throw_failure(failure);
      if constexpr (std::is_void_v<R>)
        current_ = index_;
      else
        current_.emplace(std::move(outcome).value());
    }
  }

  bool cancelled() const { return stream_ && stream_->cancelled(); }
  void end_cancelled() {
    Failure failure = cancelled_item(front_ ? front_->first + read_ : submitted_);
    failure.message = "the call was cancelled";
    stop();
    if constexpr (Tries)
      current_.emplace(std::move(failure));
    else
      throw_failure(failure);
  }

  // After a failure there is no current item until the next one is asked for.
  typename Iterator::value_type& current() {
    if (!current_ && !ended_) advance();
    if (!current_) throw std::out_of_range("imap has no further results");
    return *current_;
  }
  bool at_end() {
    if (current_ || ended_) return ended_;
    if (!front_) fill();
    return !front_ && chunks_.empty() && !input_error_;
  }

  // Drops the tasks that have not started, and waits for those that run. A last value may be current still.
  void stop() {
    stream_.reset();
    chunks_.clear();
    front_.reset();
    input_error_ = nullptr;
    exhausted_ = true;
    ended_ = !Tries;
  }

  static constexpr std::size_t kLargestChunk = 256;

  std::unique_ptr<State> state_;
  bool ordered_;
  bool fails_fast_;
  std::size_t fixed_chunk_;
  std::size_t chunk_;
  std::size_t window_ = 2;
  Work prototype_{};
  std::deque<std::unique_ptr<Chunk>> chunks_{};  // submitted and not read, in the order of the inputs
  std::unique_ptr<Chunk> front_{};               // the one that is being read
  std::size_t read_ = 0;                         // items of front_ that were read
  std::uint64_t submitted_ = 0;
  std::uint64_t index_ = 0;
  bool exhausted_ = false;
  bool ended_ = false;
  std::exception_ptr input_error_{};
  std::optional<typename Iterator::value_type> current_{};
  std::unique_ptr<Stream> stream_{};  // last, since its destructor waits for chunks that run
};

}  // namespace detail
}  // namespace FURROW_NAMESPACE
