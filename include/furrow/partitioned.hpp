// Data too large for one computer: the items are made on the ranks of a Pool over MPI and stay there. The
// functions that use them are sent to them.
//
//   furrow::Pool pool{furrow::mpi()};
//   auto images = furrow::partition(pool, 100'000, load_image);  // Partitioned<Image>, of load_image(i)
//   auto spectra = images.map(spectrum);                         // Partitioned<Spectrum>
//   double power = spectra.map_reduce(total, std::plus<>{});     // same bits as Pool::map_reduce
//   std::vector<Spectrum> all = spectra.gather();
//
// Each rank holds consecutive items, in the order of ranks, in proportion to its number of workers. Functions
// must have no captures or be furrow::bind(f, values...). They run in worker processes that the rank forks at
// the call: a crash costs one item and fails the call, but the data stay.
//
// Of the options, only chunksize, retries, timeout_s and seed are used. Ownership: the ranks keep the items
// until the handle or the Pool is destroyed. The Pool must outlive the handle, and must not be moved.
// Thread-safety: as for Pool. Errors: those of Pool::map; PoolError if the Pool is not over MPI.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/rank_call.hpp"
#include "furrow/pool.hpp"

namespace FURROW_NAMESPACE {

namespace detail {

// What the arguments of every operation begin with.
struct PartHead {
  std::uint64_t source = 0;  // id of the data that are read; 0: none
  std::uint64_t target = 0;  // id of the data that are made; 0: none
  std::uint64_t items = 0;   // on all ranks together
  std::uint64_t seed = 0, number = 0;
  std::uint64_t chunksize = 0;
  std::uint64_t retries = 0;
  double timeout_s = 0;

  MapOptions options() const {
    MapOptions made;
    made.chunksize = chunksize;
    made.retries = static_cast<int>(retries);
    made.timeout_s = timeout_s;
    made.seed = seed;
    made.threads_are_safe = true;  // the only other threads are MPI's, and workers do not use MPI
    return made;
  }
};

// The blocks of a reduction that belong to one rank, and the items in them, which the rank holds.
struct PartRange {
  std::uint64_t block = 1;
  std::uint64_t first_block = 0, end_block = 0;
  std::uint64_t begin = 0, end = 0;  // items

  static PartRange of(std::uint64_t items, const std::vector<int>& workers, int rank) {
    PartRange range;
    range.block = reduce_block(items);
    const std::uint64_t blocks = (items + range.block - 1) / range.block;
    std::uint64_t all = 0, before = 0, until = 0;
    for (std::size_t i = 0; i < workers.size(); ++i) {
      const auto each = static_cast<std::uint64_t>(workers[i]);
      if (static_cast<int>(i) < rank) before += each;
      if (static_cast<int>(i) <= rank) until += each;
      all += each;
    }
    range.first_block = blocks * before / all;
    range.end_block = blocks * until / all;
    range.begin = std::min(range.first_block * range.block, items);
    range.end = std::min(range.end_block * range.block, items);
    return range;
  }
};

// The items that one rank holds.
template <class T>
struct Part {
  PartRange range{};
  std::vector<T> items{};
};

template <class T>
struct PartInputs {
  using Value = T;
  const T* items;
  std::uint64_t first;
  const T& operator[](std::uint64_t i) const { return items[i - first]; }
};

struct IndexInputs {
  using Value = std::uint64_t;
  std::uint64_t operator[](std::uint64_t i) const { return i; }
};

template <class T>
struct OffsetOptionals {
  std::optional<T>* items;
  std::uint64_t first;
  void store(std::uint64_t i, T&& result) const { items[i - first].emplace(std::move(result)); }
  const T& operator[](std::uint64_t i) const { return *items[i - first]; }
};

// The operations. Each reads its PartHead, and then what Partitioned wrote for it.
template <class T>
struct PartOperations {
  static const Part<T>& source(const PartHead& head) {
    const auto part = part_of(head.source);
    if (!part) throw PoolError("these partitioned data are gone: their Pool was destroyed");
    return *static_cast<const Part<T>*>(part.get());
  }

  // Runs F over INPUTS, and keeps what it returns as a new part.
  template <class F, class Access>
  static void fill(F& f, Access inputs, const PartHead& head, const PartRange& range) {
    auto made = std::make_shared<Part<T>>();
    made->range = range;
    std::vector<std::optional<T>> results(range.end - range.begin);
    using Work = ItemMap<F, Access, OffsetOptionals<T>>;
    Work work{&f, inputs, {results.data(), range.begin}};
    run_on_this_rank(Kernel<Work>::call(work, head.items), head.options(), range.begin, range.end,
                     head.number);
    made->items.reserve(results.size());
    for (auto& each : results) made->items.push_back(*std::move(each));
    keep_part(head.target, std::move(made));
  }

  template <class F>
  static void make(Reader& arguments, Writer&) {
    PartHead head;
    arguments.read(&head, sizeof head);
    const auto workers = Codec<std::vector<int>>::decode(arguments);
    SentFunction<F> f(arguments);
    fill(f.get(), IndexInputs{}, head, PartRange::of(head.items, workers, this_rank()));
  }

  // F turns each S of the source into a T.
  template <class S, class F>
  static void map(Reader& arguments, Writer&) {
    PartHead head;
    arguments.read(&head, sizeof head);
    SentFunction<F> f(arguments);
    const Part<S>& from = PartOperations<S>::source(head);
    fill(f.get(), PartInputs<S>{from.items.data(), from.range.begin}, head, from.range);
  }

  template <class F>
  static void for_each(Reader& arguments, Writer&) {
    PartHead head;
    arguments.read(&head, sizeof head);
    SentFunction<F> f(arguments);
    const Part<T>& from = source(head);
    using Function = std::remove_reference_t<decltype(f.get())>;
    Discarding<Function> discarding{&f.get()};
    using Work = ItemMap<Discarding<Function>, PartInputs<T>, NoSink>;
    Work work{&discarding, {from.items.data(), from.range.begin}, {}};
    run_on_this_rank(Kernel<Work>::call(work, head.items), head.options(), from.range.begin, from.range.end,
                     head.number);
  }

  template <class F, class Op>
  static void reduce(Reader& arguments, Writer& reply) {
    PartHead head;
    arguments.read(&head, sizeof head);
    SentFunction<F> f(arguments);
    SentFunction<Op> op(arguments);
    const Part<T>& from = source(head);
    const PartRange& range = from.range;
    using R = ResultOf<F, const T&>;
    using Work = BlockReduce<F, Op, PartInputs<T>, OffsetOptionals<R>>;
    std::vector<std::optional<R>> sums(range.end_block - range.first_block);
    Work work{{{from.items.data(), range.begin}, head.items, range.block},
              &f.get(),
              &op.get(),
              {sums.data(), range.first_block}};
    const std::uint64_t blocks = (head.items + range.block - 1) / range.block;
    run_on_this_rank(Kernel<Work>::call(work, blocks), head.options(), range.first_block, range.end_block,
                     head.number);
    for (const auto& each : sums) Codec<R>::encode(reply, *each);
  }

  static void gather(Reader& arguments, Writer& reply) {
    PartHead head;
    arguments.read(&head, sizeof head);
    Codec<std::vector<T>>::encode(reply, source(head).items);
  }
};

inline void drop_parts(Reader& arguments, Writer&) { drop_part(Codec<std::uint64_t>::decode(arguments)); }

template <class F>
constexpr void require_sendable() {
  static_assert(
      SentFunction<F>::kCan,
      "functions for partitioned data are sent to them: no captures, or furrow::bind(f, values...)");
}

}  // namespace detail

template <class T>
class Partitioned {
  static_assert(Encodable<T>, "partitioned data cross the borders of processes: their type needs a Codec");

 public:
  Partitioned(Partitioned&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), id_(other.id_), size_(other.size_) {}
  Partitioned& operator=(Partitioned&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(id_, other.id_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Partitioned() {
    if (!pool_) return;
    try {
      pool_->on_ranks({&detail::drop_parts, [id = id_](Writer& to) { Codec<std::uint64_t>::encode(to, id); },
                       [](int, Reader&) {}});
    } catch (...) {  // MPI has ended, and the data with it
    }
  }

  std::uint64_t size() const { return size_; }

  // What furrow::partition() returns.
  template <class F>
  static Partitioned made(Pool& pool, std::uint64_t size, F& make, const MapOptions& options) {
    detail::require_sendable<F>();
    Partitioned data(pool, size);
    data.run(&detail::PartOperations<T>::template make<F>, data.id_, options,
             [&](Writer& to) { detail::SentFunction<F>::encode(to, make); });
    return data;
  }

  // f(item) for each item. The results stay on the ranks of their items.
  template <class F>
  auto map(F&& f, const MapOptions& options = {}) {
    using Function = std::remove_reference_t<F>;
    using U = detail::ResultOf<Function, const T&>;
    static_assert(!std::is_void_v<U>, "a function that returns nothing is for for_each");
    detail::require_sendable<Function>();
    Partitioned<U> made(*pool_, size_);
    run(&detail::PartOperations<U>::template map<T, Function>, made.id_, options,
        [&](Writer& to) { detail::SentFunction<Function>::encode(to, f); });
    return made;
  }

  template <class F>
  void for_each(F&& f, const MapOptions& options = {}) {
    using Function = std::remove_reference_t<F>;
    detail::require_sendable<Function>();
    run(&detail::PartOperations<T>::template for_each<Function>, 0, options,
        [&](Writer& to) { detail::SentFunction<Function>::encode(to, f); });
  }

  // As Pool::map_reduce, with the same bits, for any number of ranks and workers.
  template <class F, class Op>
  auto map_reduce(F&& f, Op&& op, const MapOptions& options = {}) {
    using Function = std::remove_reference_t<F>;
    using Operation = std::remove_reference_t<Op>;
    using R = detail::ResultOf<Function, const T&>;
    detail::require_sendable<Function>();
    detail::require_sendable<Operation>();
    std::vector<std::optional<R>> sums;
    const auto encode = [&](Writer& to) {
      detail::SentFunction<Function>::encode(to, f);
      detail::SentFunction<Operation>::encode(to, op);
    };
    run(&detail::PartOperations<T>::template reduce<Function, Operation>, 0, options, encode,
        [&](int, Reader& reply) {
          while (reply.remaining() > 0) sums.push_back(Codec<R>::decode(reply));
        });
    auto sum = detail::join(sums, op);
    if (!sum) throw std::invalid_argument("map_reduce of no items has no value");
    return *std::move(sum);
  }

  // All items, on rank 0.
  std::vector<T> gather() {
    std::vector<T> all;
    all.reserve(size_);
    run(
        &detail::PartOperations<T>::gather, 0, {}, [](Writer&) {},
        [&](int, Reader& reply) {
          for (T& each : Codec<std::vector<T>>::decode(reply)) all.push_back(std::move(each));
        });
    return all;
  }

 private:
  template <class>
  friend class Partitioned;
  Partitioned(Pool& pool, std::uint64_t size) : pool_(&pool), id_(pool.new_part()), size_(size) {}

  template <class Encode>
  void run(
      void (*operation)(Reader&, Writer&), std::uint64_t target, const MapOptions& options,
      const Encode& encode, std::function<void(int, Reader&)> take = [](int, Reader&) {}) {
    const detail::RankDistribution distribution = pool_->rank_distribution(options);
    const detail::PartHead head{target == id_ ? 0 : id_,
                                target,
                                size_,
                                distribution.seed,
                                distribution.number,
                                options.chunksize,
                                static_cast<std::uint64_t>(options.retries),
                                options.timeout_s};
    const auto arguments = [&](Writer& to) {
      to.write(&head, sizeof head);
      const int* const workers = distribution.workers.get();
      if (target == id_) Codec<std::vector<int>>::encode(to, {workers, workers + distribution.ranks});
      encode(to);
    };
    pool_->on_ranks({operation, arguments, std::move(take)});
  }

  Pool* pool_;
  std::uint64_t id_;
  std::uint64_t size_;
};

// Makes SIZE items: item i is MAKE(i), made by a worker of the rank that will hold it. i is a std::uint64_t.
template <class F>
auto partition(Pool& pool, std::uint64_t size, F&& make, const MapOptions& options = {}) {
  using Function = std::remove_reference_t<F>;
  using T = detail::ResultOf<Function, std::uint64_t>;
  return Partitioned<T>::made(pool, size, make, options);
}

}  // namespace FURROW_NAMESPACE
