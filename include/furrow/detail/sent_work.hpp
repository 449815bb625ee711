// Sends a map's function and its inputs to a process that was started before the map was called. Not for
// direct use.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/bind.hpp"
#include "furrow/codec.hpp"
#include "furrow/detail/abi.hpp"
#include "furrow/detail/inputs.hpp"
#include "furrow/detail/results.hpp"
#include "furrow/detail/works.hpp"

namespace FURROW_NAMESPACE::detail {

// Encodes INPUT so that equal values have equal bytes, even if there is padding between their members.
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

// A map's function, as it is sent to a process that was started earlier. The decoded object owns it.
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

// Runs F over inputs that were sent: it decodes all of them first.
template <class X, class R, class F>
void run_copies(F& f, TaskScope& scope, std::uint64_t begin, std::uint64_t count, Reader& reader,
                ResultWriter& writer) {
  std::vector<X> inputs;
  for (std::uint64_t i = 0; i < count; ++i) inputs.push_back(Codec<X>::decode(reader));
  guarded_loop(scope, begin, begin + count, [&](std::uint64_t i) {
    if (scope.notes().ends) return;
    scope.publish(i);
    call_item(f, inputs[i - begin], scope, [&](const auto&... result) {
      writer.begin(i);
      if constexpr (!std::is_void_v<R>) Codec<R>::encode(writer, result...);
      writer.end();
    });
  });
}

// A Work that is sent to a process that was started earlier: encoded here, decoded and run there.
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

// Runs blocks of items over inputs that were sent: it decodes all of them first.
template <class Copies>
void run_blocks(Copies copies, TaskScope& scope, std::uint64_t begin, std::uint64_t count, Reader& reader,
                ResultWriter& writer) {
  using X = typename Copies::InputValue;
  std::vector<X> inputs;
  const std::uint64_t first = begin * copies.block, end = copies.end_of(begin + count - 1);
  inputs.reserve(end - first);
  for (std::uint64_t i = first; i < end; ++i) inputs.push_back(Codec<X>::decode(reader));
  copies.inputs.items = inputs.data();
  guarded_loop(scope, begin, begin + count, [&](std::uint64_t index) {
    if (scope.notes().ends) return;
    copies.produce(index, scope, NotedThere{scope}, [&](const auto& result) {
      writer.begin(index);
      Codec<typename Copies::R>::encode(writer, result);
      writer.end();
    });
  });
}

// The shape of a reduction or a fold, which is sent with it.
struct SentShape {
  explicit SentShape(Reader& reader)
      : items(Codec<std::uint64_t>::decode(reader)), block(Codec<std::uint64_t>::decode(reader)) {}
  template <class Work>
  static void encode(Writer& writer, const Work& work) {
    Codec<std::uint64_t>::encode(writer, work.items);
    Codec<std::uint64_t>::encode(writer, work.block);
  }
  // Its blocks from index BEGIN on, without their inputs.
  template <class X>
  ItemBlocks<OffsetInputs<X>> blocks(std::uint64_t begin) const {
    return {{nullptr, begin * block}, items, block};
  }
  std::uint64_t items, block;
};

// A reduction is sent together with its shape.
template <class F, class Op, class Access, class Sink, class Sum>
struct SentWork<BlockReduce<F, Op, Access, Sink, Sum>> {
  using Work = BlockReduce<F, Op, Access, Sink, Sum>;
  using X = typename Work::InputValue;
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
    SentShape::encode(writer, work);
  }
  explicit SentWork(Reader& reader) : f(reader), op(reader), shape(reader) {}
  void run(TaskScope& scope, std::uint64_t begin, std::uint64_t count, Reader& reader, ResultWriter& writer) {
    using Copies = BlockReduce<F, Op, OffsetInputs<X>, NoSink, Sum>;
    run_blocks(Copies{shape.blocks<X>(begin), &f.get(), &op.get(), {}}, scope, begin, count, reader, writer);
  }
  SentFunction<F> f;
  SentFunction<Op> op;
  SentShape shape;
};

// A fold is sent together with its shape and its initial value.
template <class F, class Acc, class Access, class Sink>
struct SentWork<BlockFold<F, Acc, Access, Sink>> {
  using Work = BlockFold<F, Acc, Access, Sink>;
  using X = typename Work::InputValue;
  static constexpr bool kCan = SentFunction<F>::kCan && Encodable<Acc> && !std::is_same_v<X, bool>;
  static constexpr const char* kRefusal = [] {
    if constexpr (!SentFunction<F>::kCan)
      return SentFunction<F>::kRefusal;
    else if constexpr (!Encodable<Acc>)
      return "the initial value has no Codec: include <furrow/serialize.hpp> and give the type a cereal "
             "serialize function";
    else
      return "a fold of bool is not sent: make the inputs a vector of char";
  }();
  static void encode(Writer& writer, const Work& work) {
    SentFunction<F>::encode(writer, *work.f);
    Codec<Acc>::encode(writer, *work.initial);
    SentShape::encode(writer, work);
  }
  explicit SentWork(Reader& reader) : f(reader), initial(Codec<Acc>::decode(reader)), shape(reader) {}
  void run(TaskScope& scope, std::uint64_t begin, std::uint64_t count, Reader& reader, ResultWriter& writer) {
    using Copies = BlockFold<F, Acc, OffsetInputs<X>, NoSink>;
    run_blocks(Copies{shape.blocks<X>(begin), &f.get(), &initial, {}}, scope, begin, count, reader, writer);
  }
  SentFunction<F> f;
  Acc initial;
  SentShape shape;
};

}  // namespace FURROW_NAMESPACE::detail
