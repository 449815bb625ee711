// furrow::Pool: call a function on many inputs, in parallel, and get the same answer every time.
//
//   furrow::Pool pool;                                  // threads, one for each physical core
//   auto ys = pool.map([](double x) { return x * x; }, xs);
//   furrow::Pool forked{furrow::processes(8)};          // the same calls; a crash costs one item
//
// Thread-safety. Any thread may call any method, also several at once and from inside a task; the calling
// thread helps or waits. Functions are called from several workers at once (threads) or from copies of this
// process (processes).
//
// Ownership. Functions and inputs are borrowed until the call returns; apply_async and imap keep copies.
// Results belong to the caller. Destroying a Pool waits for the tasks that run, and runs the calls whose Future
// was dropped; other calls that have not started end with kCancelled.
//
// Errors. What a task throws comes back as errors.hpp describes. If the Pool cannot do what was asked, it
// throws PoolError before anything has run. What an input iterator throws passes through the call. The Pool
// stays usable after any error.
//
// docs/pool.md says which backend can do what.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/backend.hpp"
#include "furrow/detail/abi.hpp"
#include "furrow/detail/call_node.hpp"
#include "furrow/detail/inputs.hpp"
#include "furrow/detail/kernels.hpp"
#include "furrow/detail/reduce.hpp"
#include "furrow/detail/results.hpp"
#include "furrow/errors.hpp"
#include "furrow/future.hpp"
#include "furrow/imap.hpp"
#include "furrow/join.hpp"
#include "furrow/options.hpp"
#include "furrow/outcome.hpp"
#include "furrow/statistics.hpp"
#include "furrow/task.hpp"

namespace FURROW_NAMESPACE {

namespace detail {
struct RankCall;
struct RankDistribution;
}  // namespace detail

template <class T>
class Partitioned;

class FURROW_API Pool {
 public:
  Pool() : Pool(threads()) {}
  explicit Pool(Backend backend, PoolOptions options = {});
  ~Pool();
  Pool(Pool&&) noexcept;
  Pool& operator=(Pool&&) noexcept;

  BackendKind backend() const noexcept;
  int workers() const noexcept;

  // Returns f(x) for each x of INPUTS, in their order; nothing if f returns nothing.
  template <class F, detail::InputRange Inputs>
  auto map(F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    return mapped(f, inputs, options);
  }

  // Returns f(a, b, ...) for each tuple-like element of INPUTS.
  template <class F, detail::InputRange Inputs>
  auto starmap(F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    detail::Starred<std::remove_reference_t<F>> starred{&f};
    return mapped(starred, inputs, options);
  }

  // Returns each item's outcome, in a std::vector<Outcome<R>>, instead of throwing.
  template <class F, detail::InputRange Inputs>
  auto try_map(F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    return tried(f, inputs, options);
  }
  template <class F, detail::InputRange Inputs>
  auto try_starmap(F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    detail::Starred<std::remove_reference_t<F>> starred{&f};
    return tried(starred, inputs, options);
  }

  // Writes the results to OUT, which must have random access and at least as many elements. Allocates nothing
  // on threads. Elements whose task failed keep their value.
  template <class Out, class F, detail::InputRange Inputs>
  void map_into(Out&& out, F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    static_assert(detail::IndexableRange<Out>, "map_into needs a range with random access to write to");
    using Iterator = detail::IteratorOf<Out>;
    static_assert(
        !std::is_same_v<std::iter_value_t<Iterator>, bool> ||
            std::is_reference_v<std::iter_reference_t<Iterator>>,
        "elements of a std::vector<bool> share bytes, which workers must not: use a vector of char");
    detail::Inputs<std::remove_reference_t<Inputs>> source(inputs);
    if (static_cast<std::uint64_t>(std::ranges::end(out) - std::ranges::begin(out)) < source.size())
      throw std::length_error("map_into: there are more inputs than places for results");
    run(f, source, detail::IteratorSink<Iterator>{std::ranges::begin(out)}, options);
  }

  // Calls f(x) for each x of INPUTS, and drops what it returns.
  template <class F, detail::InputRange Inputs>
  void for_each(F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    detail::Inputs<std::remove_reference_t<Inputs>> source(inputs);
    detail::Discarding<std::remove_reference_t<F>> discarding{&f};
    run(discarding, source, detail::NoSink{}, options);
  }

  // Returns copies of those elements of INPUTS for which f(x) is true, in their order.
  template <class F, detail::InputRange Inputs>
  auto filter(F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    detail::Inputs<std::remove_reference_t<Inputs>> source(inputs);
    const auto access = source.access();
    static_assert(std::is_same_v<detail::ResultOf<std::remove_reference_t<F>, decltype(access[0])>, bool>,
                  "filter: the function must return bool");
    detail::Results<bool> wanted(source.size());
    run(f, source, wanted.sink(), options);
    std::vector<typename decltype(source.access())::Value> kept;
    const std::vector<bool> each = wanted.take();
    for (std::uint64_t i = 0; i < each.size(); ++i)
      if (each[i]) kept.push_back(access[i]);
    return kept;
  }

  // Returns a range of the results as they become available, in the order of the inputs. INPUTS may be
  // endless: they are read only a little ahead. F and INPUTS are moved if they are temporaries, else
  // borrowed.
  template <class F, detail::InputRange Inputs>
  auto imap(F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    return detail::Imap<F, Inputs, false>(std::forward<F>(f), std::forward<Inputs>(inputs), *this, options,
                                          true);
  }
  // The same, but with results in the order in which they become available.
  template <class F, detail::InputRange Inputs>
  auto imap_unordered(F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    return detail::Imap<F, Inputs, false>(std::forward<F>(f), std::forward<Inputs>(inputs), *this, options,
                                          false);
  }
  // The same two with each item's Outcome instead of its result: a failure is not thrown, and the range goes on.
  template <class F, detail::InputRange Inputs>
  auto try_imap(F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    return detail::Imap<F, Inputs, true>(std::forward<F>(f), std::forward<Inputs>(inputs), *this, options,
                                         true);
  }
  template <class F, detail::InputRange Inputs>
  auto try_imap_unordered(F&& f, Inputs&& inputs, const MapOptions& options = {}) {
    return detail::Imap<F, Inputs, true>(std::forward<F>(f), std::forward<Inputs>(inputs), *this, options,
                                         false);
  }

  // Returns op(op(f(x0), f(x1)), ...), folded in one fixed shape: the same bits on every backend, for any
  // number of workers and any chunk size. OP must be associative up to rounding. Throws std::invalid_argument
  // if there are no inputs.
  template <class F, class Op, detail::InputRange Inputs>
  auto map_reduce(F&& f, Op&& op, Inputs&& inputs, const MapOptions& options = {}) {
    auto sum = reduced<void>(f, op, inputs, options);
    if (!sum) throw std::invalid_argument("map_reduce of no inputs needs an initial value");
    return *std::move(sum);
  }
  // The same, with INITIAL before the first. Sums have a type that holds both INITIAL and what f returns: for
  // numbers their common type (ints from 0LL on are summed in a long long, doubles from 0 on in a double), for
  // other types the one to which the other converts.
  template <class F, class Op, detail::InputRange Inputs, class Initial>
    requires(!std::is_same_v<std::remove_cvref_t<Initial>, MapOptions>)
  auto map_reduce(F&& f, Op&& op, Inputs&& inputs, Initial&& initial, const MapOptions& options = {}) {
    auto sum = reduced<std::decay_t<Initial>>(f, op, inputs, options);
    using R = typename decltype(sum)::value_type;
    if (!sum) return static_cast<R>(std::forward<Initial>(initial));
    return static_cast<R>(std::invoke(op, static_cast<R>(std::forward<Initial>(initial)), *std::move(sum)));
  }

  // Folds the inputs into accumulators, and returns merge(...) of those: f(acc, x) takes the next item into ACC, either
  // in place (it returns nothing, or a reference to ACC) or as acc = f(std::move(acc), x); merge(a, b) returns what
  // holds both, and must be associative up to rounding. Each leaf, a run of neighbouring items, begins with a copy of
  // INITIAL, which must therefore be merge's identity (an empty histogram, 0 for a sum). The borders of the leaves
  // depend on the number of inputs alone, so the result has the same bits on every backend, for any number of workers
  // and any chunk size of one program. Returns INITIAL if there are no inputs. An item that fails fails its leaf, and
  // a retry folds the leaf again.
  template <class Initial, class F, class Merge, detail::InputRange Inputs>
  auto map_fold(Initial&& initial, F&& f, Merge&& merge, Inputs&& inputs, const MapOptions& options = {}) {
    using Acc = std::decay_t<Initial>;
    using Function = std::remove_reference_t<F>;
    detail::Inputs<std::remove_reference_t<Inputs>> source(inputs);
    using Access = decltype(source.access());
    using Input = decltype(source.access()[0]);
    static_assert(
        detail::FoldsWith<Function, Acc, Input> || detail::FoldsWith<Function, Acc, Input, std::stop_token>,
        "map_fold: the function must take the accumulator and an element of this range, and return nothing "
        "or the accumulator");
    static_assert(std::is_invocable_r_v<Acc, Merge&, Acc, Acc>,
                  "map_fold: merge must take two accumulators and return one");
    const Acc first(std::forward<Initial>(initial));
    using Work = detail::BlockFold<Function, Acc, Access, detail::OptionalSink<Acc>>;
    const std::uint64_t block = detail::fold_block(source.size());
    std::vector<std::optional<Acc>> leaves((source.size() + block - 1) / block);
    Work work{{source.access(), source.size(), block}, &f, &first, {leaves.data()}};
    run_map(detail::Kernel<Work>::call(work, leaves.size()), options, nullptr);
    std::optional<Acc> all = detail::join(leaves, merge);
    return all ? *std::move(all) : first;
  }

  // Starts f(args...) on a worker, and returns a Future for its result. The arguments are kept by value, and given to F as
  // lvalues, so that a call can be tried again; if F cannot take them so, as a std::unique_ptr by value, they are moved
  // into it.
  template <class F, class... Args>
    requires(!std::is_same_v<std::remove_cvref_t<F>, CallOptions>)
  auto apply_async(F&& f, Args&&... args) {
    return started(CallOptions{}, std::forward<F>(f), std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  auto apply_async(const CallOptions& options, F&& f, Args&&... args) {
    return started(options, std::forward<F>(f), std::forward<Args>(args)...);
  }
  // Runs f(args...) on a worker, and waits for its result.
  template <class F, class... Args>
  auto apply(F&& f, Args&&... args) {
    return apply_async(std::forward<F>(f), std::forward<Args>(args)...).get();
  }

  // What the Pool has done since it was made, and what it has to do. While tasks come and go, what has ended may count as
  // unfinished for a moment longer. The counts are exact once the maps have returned and wait() has, but that workers of
  // other ranks were replaced is heard of a little later.
  PoolStatistics statistics() const;

  // Waits until all calls of apply_async have ended.
  void wait();

  // Cancels all that is under way: every map, stream and call ends with Cancelled, as if its MapOptions::stop or
  // Future::cancel() had asked for it. Does not wait for them. Later calls are not affected.
  void stop();

 private:
  template <class, class, bool>
  friend class detail::Imap;
  template <class>
  friend class Partitioned;
  class Impl;

  // What is passed to the library holds no containers of the standard library: in its debug mode, which a
  // program may use without the library, they are other types.

  // Runs a map to its end. Throws the first failure, or hands all of them to KEEP, if there is one.
  using KeepFailure = std::function<void(Failure&&)>;
  void run_map(const detail::MapCall& call, const MapOptions& options, const KeepFailure& keep);
  std::unique_ptr<detail::Stream> open_stream(const detail::MapCall& prototype, const MapOptions& options);
  void start(detail::CallNode* call, const CallOptions& options);
  // For data held by ranks. These throw PoolError if the backend has no ranks.
  std::uint64_t new_part();
  detail::RankDistribution rank_distribution(const MapOptions& options);
  void on_ranks(const detail::RankCall& call);

  template <class F, class Source, class Sink>
  void run(F& f, Source& source, Sink sink, const MapOptions& options, const KeepFailure& keep = {}) {
    using Work = detail::ItemMap<F, decltype(source.access()), Sink>;
    Work work{&f, source.access(), sink};
    run_map(detail::Kernel<Work>::call(work, source.size()), options, keep);
  }

  template <class F, class Inputs>
  auto mapped(F& f, Inputs& inputs, const MapOptions& options) {
    detail::Inputs<Inputs> source(inputs);
    using R = detail::ResultOf<F, decltype(source.access()[0])>;
    if constexpr (std::is_void_v<R>) {
      run(f, source, detail::NoSink{}, options);
    } else {
      detail::Results<R> results(source.size());
      run(f, source, results.sink(), options);
      return results.take();
    }
  }

  template <class F, class Inputs>
  auto tried(F& f, Inputs& inputs, const MapOptions& options) {
    detail::Inputs<Inputs> source(inputs);
    using R = detail::ResultOf<F, decltype(source.access()[0])>;
    std::vector<Outcome<R>> outcomes(source.size());
    std::vector<Failure> failures;
    run(f, source, detail::OutcomeSink<R>{outcomes.data()}, options,
        [&](Failure&& failure) { failures.push_back(std::move(failure)); });
    if (!failures.empty()) detail::settle_outcomes(outcomes, failures);
    return outcomes;
  }

  // Initial: the type of the initial value; void: none.
  template <class Initial, class F, class Op, class Inputs>
  auto reduced(F& f, Op& op, Inputs& inputs, const MapOptions& options) {
    detail::Inputs<Inputs> source(inputs);
    using Access = decltype(source.access());
    using Mapped = detail::ResultOf<F, decltype(source.access()[0])>;
    using R = typename std::conditional_t<std::is_void_v<Initial>, std::type_identity<Mapped>,
                                          detail::SumType<Mapped, Initial>>::type;
    using Work = detail::BlockReduce<F, Op, Access, detail::OptionalSink<R>, R>;
    const std::uint64_t block = detail::reduce_block(source.size());
    std::vector<std::optional<R>> sums((source.size() + block - 1) / block);
    Work work{{source.access(), source.size(), block}, &f, &op, {sums.data()}};
    run_map(detail::Kernel<Work>::call(work, sums.size()), options, {});
    return detail::join(sums, op);
  }

  template <class F, class... Args>
  auto started(const CallOptions& options, F&& f, Args&&... args) {
    using Call = detail::AsyncCall<std::decay_t<F>, std::decay_t<Args>...>;
    using R = typename Call::Result;
    if (detail::kTakesOnce<std::decay_t<F>, std::decay_t<Args>...> && options.retries > 0)
      throw std::invalid_argument(
          "retries: the function takes an argument that can be given only once, as a std::unique_ptr: take "
          "it "
          "by reference");
    auto* call = new Call(std::forward<F>(f), std::forward<Args>(args)...);
    Future<R> future(call);
    start(call, options);
    return future;
  }

  std::unique_ptr<Impl> impl_;
};

}  // namespace FURROW_NAMESPACE
