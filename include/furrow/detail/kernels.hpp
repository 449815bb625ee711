// The loops that call the user's function. Not for direct use.
//
// There is one loop for workers in this process and one for worker processes. They differ in how they say
// which item they hold: the first only has to know it when something is thrown, the second must have stored
// it before a crash.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/bind.hpp"
#include "furrow/detail/inputs.hpp"
#include "furrow/detail/map_call.hpp"
#include "furrow/detail/results.hpp"

namespace furrow::detail {

// What calling a function really gives: <furrow/async.hpp> says so for awaitables.
template <class Raw>
struct Awaited {
  static constexpr bool kAwaitable = false;
  using Type = Raw;
};

// Something that is to be awaited, and is no result.
template <class Raw>
concept LooksAwaitable = requires(Raw raw) {
  raw.await_ready();
};
template <class Raw>
constexpr bool known_awaitable() {
  static_assert(!LooksAwaitable<Raw> || Awaited<Raw>::kAwaitable,
                "the function returns an awaitable: include <furrow/async.hpp>");
  return Awaited<Raw>::kAwaitable;
}

template <class F, class X>
concept Stoppable = !std::is_invocable_v<F&, X> && std::is_invocable_v<F&, X, std::stop_token>;

template <class F, class X>
struct CallOf {
  static_assert(std::is_invocable_v<F&, X> || Stoppable<F, X>,
                "the function does not take an element of this range");
  using Raw = typename std::conditional_t<Stoppable<F, X>, std::invoke_result<F&, X, std::stop_token>,
                                          std::invoke_result<F&, X>>::type;
  using Await = Awaited<std::remove_cvref_t<Raw>>;
  static constexpr bool kAwaitable = known_awaitable<std::remove_cvref_t<Raw>>();
  using Result = std::remove_cvref_t<typename Await::Type>;
};

template <class F, class X>
using ResultOf = typename CallOf<F, X>::Result;

// The function of a starmap: takes one tuple-like element for all arguments.
template <class F>
struct Starred {
  F* f;
  template <class X, class... More>
  static constexpr bool takes() {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return std::is_invocable_v<F&, decltype(std::get<I>(std::declval<X>()))..., More...>;
    }
    (std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<X>>>{});
  }
  template <class X>
  requires(takes<X>()) decltype(auto) operator()(X&& x) const { return std::apply(*f, std::forward<X>(x)); }
  template <class X>
  requires(!takes<X>() && takes<X, std::stop_token>()) decltype(auto) operator()(
      X&& x, std::stop_token token) const {
    auto call = [&](auto&&... each) -> decltype(auto) {
      return std::invoke(*f, std::forward<decltype(each)>(each)..., std::move(token));
    };
    return std::apply(call, std::forward<X>(x));
  }
};

// The function of a for_each: what it returns is dropped.
template <class F>
struct Discarding {
  F* f;
  template <class... Args>
  requires std::is_invocable_v<F&, Args...>
  auto operator()(Args&&... args) const {
    using Await = Awaited<std::remove_cvref_t<std::invoke_result_t<F&, Args...>>>;
    if constexpr (Await::kAwaitable)
      return Await::discard(std::invoke(*f, std::forward<Args>(args)...));
    else
      (void)std::invoke(*f, std::forward<Args>(args)...);
  }
};

// One item: calls F and hands the result to STORE, which takes no argument where F returns nothing.
template <class F, class X, class Store>
inline void call_item(F& f, X&& x, TaskScope& scope, const Store& store) {
  using Call = CallOf<F, X>;
  const auto finish = [&](auto&&... token) {
    const auto invoke = [&]() -> decltype(auto) {
      return std::invoke(f, std::forward<X>(x), std::forward<decltype(token)>(token)...);
    };
    if constexpr (Call::kAwaitable) {
      using Await = typename Call::Await;
      if constexpr (std::is_void_v<typename Call::Result>) {
        Await::run(invoke());
        store();
      } else {
        store(Await::run(invoke()));
      }
    } else if constexpr (std::is_void_v<typename Call::Result>) {
      invoke();
      store();
    } else {
      store(typename Call::Result(invoke()));
    }
  };
  if constexpr (Stoppable<F, X>) {
    finish(scope.host->begin_watch(scope));
    scope.host->end_watch(scope);
  } else {
    finish();
  }
}

// One item of a function that returns an awaitable: gives that, with the clock running.
template <class F, class X>
inline auto begin_item(F& f, X&& x, TaskScope& scope) {
  std::stop_token token = scope.host->begin_watch(scope);
  if constexpr (Stoppable<F, X>)
    return std::invoke(f, std::forward<X>(x), std::move(token));
  else
    return std::invoke(f, std::forward<X>(x));
}

// Runs ITEM(i) for units [begin, end), and whatever is to be done after one that threw.
template <class Item>
inline void guarded_loop(TaskScope& scope, std::uint64_t begin, std::uint64_t end, const Item& item) {
  for (std::uint64_t i = begin; i < end;) {
    try {
      for (; i < end; ++i) item(i);
    } catch (...) {
      switch (scope.host->failed(scope, i)) {
        case AfterFailure::kNext:
          ++i;
          break;
        case AfterFailure::kAgain:
          break;
        case AfterFailure::kStop:
          return;
      }
    }
  }
}

template <class R>
constexpr const char* crossing_refusal() {
  if constexpr (std::is_void_v<R>)
    return nullptr;
  else if constexpr (is_view_v<R>)
    return "its result is a pointer or a view of memory that the calling process does not share: return the "
           "values";
  else if constexpr (!Encodable<R>)
    return "its result has no Codec: include <furrow/serialize.hpp> and give the type a cereal serialize "
           "function";
  else
    return nullptr;
}

template <class R>
inline constexpr bool kCrosses = !std::is_void_v<R> && crossing_refusal<R>() == nullptr;
template <class R>
inline constexpr bool kCrossesPlain = kCrosses<R>&& is_plain_v<R>;

// A map of F over INPUTS: unit i is item i. Work of Kernel, below.
template <class F, class Access, class SinkType>
struct ItemMap {
  using Input = decltype(std::declval<const Access&>()[0]);
  using InputValue = typename Access::Value;
  using Function = F;
  using R = ResultOf<F, Input>;
  using Sink = SinkType;

  F* f;
  Access inputs;
  Sink sink;

  template <bool Publish, class Store>
  void produce(std::uint64_t unit, TaskScope& scope, const Store& store) const {
    if constexpr (Publish)
      scope.publish_there(unit);
    else
      scope.item = ItemIndex{unit};
    call_item(*f, inputs[unit], scope, store);
  }
  template <class Each>
  void for_each_input(std::uint64_t unit, const Each& each) const {
    each(inputs[unit]);
  }
};

// A reduction. Unit b is the block of items [b * block, (b + 1) * block), folded from left to right; the
// caller joins the blocks' sums as a balanced tree. The shape depends on the number of items alone, and the
// fold is one function, compiled once: so every backend, number of workers and chunk size gives the same
// bits. Work of Kernel, below.
template <class F, class Op, class Access, class SinkType>
struct BlockReduce {
  using Input = decltype(std::declval<const Access&>()[0]);
  using InputValue = typename Access::Value;
  using Function = F;
  using R = ResultOf<F, Input>;
  using Sink = SinkType;

  F* f;
  Op* op;
  Access inputs;
  Sink sink;
  std::uint64_t items;
  std::uint64_t block;

  std::uint64_t end_of(std::uint64_t unit) const {
    return items - unit * block < block ? items : (unit + 1) * block;
  }

  R mapped(std::uint64_t item, TaskScope& scope) const {
    scope.publish(item);
    std::optional<R> result;
    call_item(*f, inputs[item], scope, [&](R&& value) { result.emplace(std::move(value)); });
    return *std::move(result);
  }
  // Of awaitables: compiled once for coroutines and other workers.
  [[gnu::noinline]] static R step(Op& op, R&& sum, R&& value) {
    return std::invoke(op, std::move(sum), std::move(value));
  }
  [[gnu::noinline]] static R fold(const BlockReduce& self, TaskScope& scope, std::uint64_t unit) {
    R sum = self.mapped(unit * self.block, scope);
    for (std::uint64_t i = unit * self.block + 1; i < self.end_of(unit); ++i) {
      if constexpr (CallOf<F, Input>::kAwaitable)
        sum = step(*self.op, std::move(sum), self.mapped(i, scope));
      else
        sum = std::invoke(*self.op, std::move(sum), self.mapped(i, scope));
    }
    return sum;
  }

  template <bool Publish, class Store>
  void produce(std::uint64_t unit, TaskScope& scope, const Store& store) const {
    store(fold(*this, scope, unit));
  }
  template <class Each>
  void for_each_input(std::uint64_t unit, const Each& each) const {
    for (std::uint64_t i = unit * block; i < end_of(unit); ++i) each(inputs[i]);
  }
};

// Encodes X so that equal values have equal bytes, also where there is padding between their members.
template <class X>
void encode_input(Writer& writer, const X& input) {
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
  if constexpr (is_plain_v<X> && std::is_copy_constructible_v<X> && !std::is_arithmetic_v<X> &&
                !std::has_unique_object_representations_v<X>) {
    X copy(input);
    __builtin_clear_padding(&copy);
    Codec<X>::encode(writer, copy);
    return;
  }
#endif
#endif
  Codec<X>::encode(writer, input);
}

// A map's function on its way to a process that was started earlier: what is decoded there owns it.
template <class F>
struct SentFunction {
  using Plain = std::remove_cv_t<F>;
  static constexpr bool kCan = Sendable<Plain>::kCan;
  static constexpr const char* kRefusal = [] {
    if constexpr (kCan)
      return "";
    else
      return Sendable<Plain>::kRefusal;
  }();
  static void encode(Writer& writer, const F& f) { Sendable<Plain>::encode(writer, f); }
  explicit SentFunction(Reader& reader) : f(Sendable<Plain>::decode(reader)) {}
  F& get() { return f; }
  F f;
};

template <class Result, class... Args>
struct SentFunction<Result(Args...)> {
  using Pointer = Result (*)(Args...);
  static constexpr bool kCan = true;
  static void encode(Writer& writer, Pointer f) { Sendable<Pointer>::encode(writer, f); }
  explicit SentFunction(Reader& reader) : f(Sendable<Pointer>::decode(reader)) {}
  Result (&get())(Args...) { return *f; }
  Pointer f;
};

template <class F, template <class> class Wrapper>
struct SentWrapper {
  static constexpr bool kCan = SentFunction<F>::kCan;
  static constexpr const char* kRefusal = [] {
    if constexpr (kCan)
      return "";
    else
      return SentFunction<F>::kRefusal;
  }();
  static void encode(Writer& writer, const Wrapper<F>& wrapper) {
    SentFunction<F>::encode(writer, *wrapper.f);
  }
  explicit SentWrapper(Reader& reader) : inner(reader), wrapper{&inner.get()} {}
  Wrapper<F>& get() { return wrapper; }
  SentFunction<F> inner;
  Wrapper<F> wrapper;
};
template <class F>
struct SentFunction<Starred<F>> : SentWrapper<F, Starred> {
  using SentWrapper<F, Starred>::SentWrapper;
};
template <class F>
struct SentFunction<Discarding<F>> : SentWrapper<F, Discarding> {
  using SentWrapper<F, Discarding>::SentWrapper;
};

// Inputs that were sent: over copies that are made here.
template <class X, class R, class F>
void run_copies(F& f, TaskScope& scope, std::uint64_t begin, std::uint64_t count, Reader& reader,
                ResultWriter& writer) {
  std::vector<X> inputs;
  for (std::uint64_t i = 0; i < count; ++i) inputs.push_back(Codec<X>::decode(reader));
  guarded_loop(scope, begin, begin + count, [&](std::uint64_t i) {
    scope.publish(i);
    call_item(f, inputs[i - begin], scope, [&](const auto&... result) {
      writer.begin(i);
      if constexpr (!std::is_void_v<R>) Codec<R>::encode(writer, result...);
      writer.end();
    });
  });
}

// What a Work is made of, on its way to a process that was started earlier, and there.
template <class Work>
struct SentWork {
  using Sent = SentFunction<typename Work::Function>;
  static constexpr bool kCan = Sent::kCan;
  static constexpr const char* kRefusal = Sent::kRefusal;
  static void encode(Writer& writer, const Work& work) { Sent::encode(writer, *work.f); }
  explicit SentWork(Reader& reader) : f(reader) {}
  void run(TaskScope& scope, std::uint64_t begin, std::uint64_t count, Reader& reader, ResultWriter& writer) {
    run_copies<typename Work::InputValue, typename Work::R>(f.get(), scope, begin, count, reader, writer);
  }
  Sent f;
};

// A reduction is sent with its shape.
template <class F, class Op, class Access, class Sink>
struct SentWork<BlockReduce<F, Op, Access, Sink>> {
  using Work = BlockReduce<F, Op, Access, Sink>;
  using X = typename Work::InputValue;
  using R = typename Work::R;
  static constexpr bool kSends = SentFunction<F>::kCan && SentFunction<Op>::kCan;
  static constexpr bool kCan = kSends && !std::is_same_v<X, bool>;
  static constexpr const char* kRefusal = [] {
    if constexpr (!SentFunction<F>::kCan)
      return SentFunction<F>::kRefusal;
    else if constexpr (!SentFunction<Op>::kCan)
      return SentFunction<Op>::kRefusal;
    else
      return "a reduction of bool is not sent: make the inputs a vector of char";
  }();
  static void encode(Writer& writer, const Work& work) {
    SentFunction<F>::encode(writer, *work.f);
    SentFunction<Op>::encode(writer, *work.op);
    Codec<std::uint64_t>::encode(writer, work.items);
    Codec<std::uint64_t>::encode(writer, work.block);
  }
  explicit SentWork(Reader& reader)
      : f(reader),
        op(reader),
        items(Codec<std::uint64_t>::decode(reader)),
        block(Codec<std::uint64_t>::decode(reader)) {}
  void run(TaskScope& scope, std::uint64_t begin, std::uint64_t count, Reader& reader, ResultWriter& writer) {
    using Copies = BlockReduce<F, Op, OffsetInputs<X>, NoSink>;
    std::vector<X> inputs;
    Copies copies{&f.get(), &op.get(), {nullptr, begin * block}, {}, items, block};
    const std::uint64_t end = copies.end_of(begin + count - 1);
    inputs.reserve(end - begin * block);
    for (std::uint64_t i = begin * block; i < end; ++i) inputs.push_back(Codec<X>::decode(reader));
    copies.inputs.items = inputs.data();
    guarded_loop(scope, begin, begin + count, [&](std::uint64_t unit) {
      copies.template produce<true>(unit, scope, [&](const auto& sum) {
        writer.begin(unit);
        Codec<R>::encode(writer, sum);
        writer.end();
      });
    });
  }
  SentFunction<F> f;
  SentFunction<Op> op;
  std::uint64_t items, block;
};

// The functions of a MapCall, for any Work.
template <class Work>
struct Kernel {
  using R = typename Work::R;
  using X = typename Work::InputValue;

  static void run(void* object, TaskScope& scope, std::uint64_t begin, std::uint64_t end) {
    const Work work = *static_cast<Work*>(object);  // a copy, which no store can alias
    guarded_loop(scope, begin, end, [&](std::uint64_t i) {
      work.template produce<false>(i, scope,
                                   [&](auto&&... result) { work.sink.store(i, std::move(result)...); });
    });
  }

  static void run_plain(void* object, TaskScope& scope, std::uint64_t begin, std::uint64_t end,
                        void* results) {
    const Work work = *static_cast<Work*>(object);
    guarded_loop(scope, begin, end, [&](std::uint64_t i) {
      work.template produce<true>(i, scope, [&](auto&&... result) {
        if constexpr (kCrossesPlain<R>) ::new (static_cast<R*>(results) + i) R(std::move(result)...);
      });
    });
  }

  static void run_encoded(void* object, TaskScope& scope, std::uint64_t begin, std::uint64_t end,
                          ResultWriter& writer) {
    const Work work = *static_cast<Work*>(object);
    guarded_loop(scope, begin, end, [&](std::uint64_t i) {
      work.template produce<true>(i, scope, [&](const auto&... result) {
        if constexpr (kCrosses<R>) {
          writer.begin(i);
          Codec<R>::encode(writer, result...);
          writer.end();
        }
      });
    });
  }

  static void run_sent(void* object, TaskScope& scope, std::uint64_t begin, std::uint64_t count,
                       Reader& reader, ResultWriter& writer) {
    if constexpr (!kReduces && kTakesCopies)
      run_copies<X, R>(*static_cast<Work*>(object)->f, scope, begin, count, reader, writer);
  }

  static constexpr bool kReduces = requires(Work work) { work.block; };
  // Whether the function can be given copies of its inputs in another process.
  static constexpr bool kTakesCopies =
      Encodable<X> && (kCrosses<R> || std::is_void_v<R>)&&requires(typename Work::Function & f, X& x) {
    call_item(f, x, std::declval<TaskScope&>(), [](auto&&...) {});
  };

  // A function that was sent as well.
  using Sent = SentWork<Work>;
  static void encode_function(void* object, Writer& writer) {
    if constexpr (Sent::kCan) Sent::encode(writer, *static_cast<Work*>(object));
  }
  static void* decode_function(Reader& reader) {
    if constexpr (Sent::kCan) return new Sent(reader);
    return nullptr;
  }
  static void drop_function(void* function) {
    if constexpr (Sent::kCan) delete static_cast<Sent*>(function);
  }
  static void run_decoded(void* function, TaskScope& scope, std::uint64_t begin, std::uint64_t count,
                          Reader& reader, ResultWriter& writer) {
    if constexpr (Sent::kCan && kTakesCopies)
      static_cast<Sent*>(function)->run(scope, begin, count, reader, writer);
  }

  static void store_plain(void* object, std::uint64_t begin, std::uint64_t end, const void* results) {
    const auto sink = static_cast<Work*>(object)->sink;
    for (std::uint64_t i = begin; i < end; ++i) {
      if constexpr (std::is_void_v<R>)
        sink.store(i);
      else if constexpr (kCrossesPlain<R>)
        sink.store(i, R(static_cast<const R*>(results)[i - begin]));
    }
  }

  static void store_encoded(void* object, std::uint64_t unit, Reader& reader) {
    if constexpr (std::is_void_v<R>)
      static_cast<Work*>(object)->sink.store(unit);
    else if constexpr (kCrosses<R>)
      static_cast<Work*>(object)->sink.store(unit, Codec<R>::decode(reader));
  }

  // Whether results can be read again where they were stored.
  static constexpr bool kReadable = kCrosses<R> && requires(const typename Work::Sink sink) {
    { sink[0] } -> std::convertible_to<R>;
  };

  static void encode_result(void* object, std::uint64_t unit, Writer& writer) {
    if constexpr (kReadable) {
      const auto& stored = static_cast<Work*>(object)->sink[unit];
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(stored)>, R>)
        Codec<R>::encode(writer, stored);
      else
        Codec<R>::encode(writer, static_cast<R>(stored));
    }
  }

  static void encode_input(void* object, std::uint64_t unit, Writer& writer) {
    if constexpr (Encodable<X>)
      static_cast<Work*>(object)->for_each_input(
          unit, [&](const X& input) { detail::encode_input(writer, input); });
  }

  // Where the results lie, if each is stored as it is.
  static void* plain_output(Work& work) {
    if constexpr (requires { work.sink.first; } && kCrossesPlain<R>) {
      using Iterator = decltype(work.sink.first);
      if constexpr (std::contiguous_iterator<Iterator>)
        if constexpr (std::is_same_v<std::iter_reference_t<Iterator>, R&>)
          return std::to_address(work.sink.first);
    }
    return nullptr;
  }

  static MapCall call(Work& work, std::uint64_t units) {
    MapCall made;
    made.object = &work;
    made.size = units;
    made.items = units;
    if constexpr (requires { work.block; }) {
      made.block = work.block;
      made.items = work.items;
    }
    made.run = &run;
    made.stoppable = Stoppable<typename Work::Function, typename Work::Input>;
    made.has_result = !std::is_void_v<R>;
    using Call = CallOf<typename Work::Function, typename Work::Input>;
    if constexpr (Call::kAwaitable) made.async = Call::Await::template map_start<Work>();
    CrossCall& cross = made.cross;
    cross.refusal = crossing_refusal<R>();
    if constexpr (requires { Work::Sink::kOwned; }) {
      cross.output = work.sink.first;
      cross.output_size = static_cast<std::size_t>(units) * sizeof(*work.sink.first);
    }
    if constexpr (kCrossesPlain<R>) cross.result_size = sizeof(R);
    if constexpr (kCrossesPlain<R> || std::is_void_v<R>) {
      cross.plain_output = plain_output(work);
      cross.run_plain = &run_plain;
      cross.store_plain = &store_plain;
    } else if constexpr (kCrosses<R>) {
      cross.run_encoded = &run_encoded;
    }
    if constexpr (kCrosses<R> || std::is_void_v<R>) cross.store_encoded = &store_encoded;
    if constexpr (kReadable) cross.encode_result = &encode_result;
    if constexpr (!Sent::kCan) {
      cross.function_refusal = Sent::kRefusal;
    } else if constexpr (!kTakesCopies) {
      cross.function_refusal = "the function does not take a copy of its input";
    } else {
      cross.encode_function = &encode_function;
      cross.decode_function = &decode_function;
      cross.run_decoded = &run_decoded;
      cross.drop_function = &drop_function;
    }
    if constexpr (!Encodable<X>) {
      cross.input_refusal =
          "an input has no Codec, or is a pointer or a view: pass values, or include <furrow/serialize.hpp>";
    } else {
      cross.encode_input = &encode_input;
      if constexpr (kTakesCopies && !kReduces) cross.run_sent = &run_sent;
    }
    return made;
  }
};

}  // namespace furrow::detail
