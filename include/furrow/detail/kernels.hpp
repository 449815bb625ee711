// The loops that call the user's function. Not for direct use.
//
// There is one loop for workers in this process and one for worker processes. They differ in how they record
// the current item: the first needs it only when a task throws, the second must have stored it in shared
// memory before a task can crash.
#pragma once

#include <concepts>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "furrow/detail/abi.hpp"
#include "furrow/detail/results.hpp"
#include "furrow/detail/sent_work.hpp"

namespace FURROW_NAMESPACE::detail {

template <class R>
constexpr const char* crossing_refusal() {
  if constexpr (std::is_void_v<R>)
    return nullptr;
  else if constexpr (is_view_v<R>)
    return "its result is a pointer or a view of memory that the calling process does not share: return the "
           "values";
  else if constexpr (!Encodable<R> && hides_view<R>())
    return "its result contains a pointer or a view of memory that the calling process does not share: "
           "return "
           "the values";
  else if constexpr (!Encodable<R>)
    return "its result has no Codec: include <furrow/serialize.hpp> and give the type a cereal serialize "
           "function";
  else
    return nullptr;
}

template <class R>
inline constexpr bool kCrosses = !std::is_void_v<R> && crossing_refusal<R>() == nullptr;
template <class R>
inline constexpr bool kCrossesPlain = kCrosses<R> && is_plain_v<R>;

// The functions of a MapCall, for any Work.
//
// The two loops over cheap functions begin at a cache line, so that the few instructions for an item never lie
// across two lines: 20 million empty tasks in worker processes took up to a sixth longer where they did, which
// depended on the size of the code before them.
template <class Work>
struct Kernel {
  using R = typename Work::R;
  using X = typename Work::InputValue;

  [[gnu::aligned(64)]] static void run(void* object, TaskScope& scope, std::uint64_t begin,
                                       std::uint64_t end) {
    const Work work = *static_cast<Work*>(object);  // a copy, which no store can alias
    const NotedHere note{scope};
    guarded_loop(scope, begin, end, [&](std::uint64_t i) {
      work.produce(i, scope, note, [&](auto&&... result) { work.sink.store(i, std::move(result)...); });
    });
  }

  [[gnu::aligned(64)]] static void run_plain(void* object, TaskScope& scope, std::uint64_t begin,
                                             std::uint64_t end, void* results) {
    const Work work = *static_cast<Work*>(object);
    const NotedThere note{scope};
    guarded_loop(scope, begin, end, [&](std::uint64_t i) {
      work.produce(i, scope, note, [&](auto&&... result) {
        if constexpr (kCrossesPlain<R>) ::new (static_cast<R*>(results) + i) R(std::move(result)...);
      });
    });
  }

  static void run_encoded(void* object, TaskScope& scope, std::uint64_t begin, std::uint64_t end,
                          ResultWriter& writer) {
    const Work work = *static_cast<Work*>(object);
    const NotedThere note{scope};
    guarded_loop(scope, begin, end, [&](std::uint64_t i) {
      work.produce(i, scope, note, [&](const auto&... result) {
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
  // Whether the function can take copies of its inputs in another process.
  static constexpr bool kTakesCopies =
      Encodable<X> && (kCrosses<R> || std::is_void_v<R>)&&requires(typename Work::Function& f, X& x) {
        call_item(f, x, std::declval<TaskScope&>(), [](auto&&...) {});
      };

  // For functions that are sent as well.
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

  static void store_encoded(void* object, std::uint64_t index, Reader& reader) {
    if constexpr (std::is_void_v<R>)
      static_cast<Work*>(object)->sink.store(index);
    else if constexpr (kCrosses<R>)
      static_cast<Work*>(object)->sink.store(index, Codec<R>::decode(reader));
  }

  // Whether results can be read again after they were stored.
  static constexpr bool kReadable = kCrosses<R> && requires(const typename Work::Sink sink) {
    { sink[0] } -> std::convertible_to<R>;
  };

  static void encode_result(void* object, std::uint64_t index, Writer& writer) {
    if constexpr (kReadable) {
      const auto& stored = static_cast<Work*>(object)->sink[index];
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(stored)>, R>)
        Codec<R>::encode(writer, stored);
      else
        Codec<R>::encode(writer, static_cast<R>(stored));
    }
  }

  static void encode_input(void* object, std::uint64_t index, Writer& writer) {
    if constexpr (Encodable<X>)
      static_cast<Work*>(object)->for_each_input(
          index, [&](const X& input) { detail::encode_input(writer, input); });
  }

  // The address of the results if they are stored one after the other as they are; null otherwise.
  static void* plain_output(Work& work) {
    if constexpr (requires { work.sink.first; } && kCrossesPlain<R>) {
      using Iterator = decltype(work.sink.first);
      if constexpr (std::contiguous_iterator<Iterator>)
        if constexpr (std::is_same_v<std::iter_reference_t<Iterator>, R&>)
          return std::to_address(work.sink.first);
    }
    return nullptr;
  }

  static MapCall call(Work& work, std::uint64_t indices) {
    MapCall made;
    made.object = &work;
    made.size = indices;
    made.items = indices;
    if constexpr (requires { work.block; }) {
      made.block = work.block;
      made.items = work.items;
      made.folds = true;
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
      cross.output_size = static_cast<std::size_t>(indices) * sizeof(*work.sink.first);
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
          "an input has no Codec, or is or contains a pointer or a view: pass values, or include "
          "<furrow/serialize.hpp>";
    } else {
      cross.encode_input = &encode_input;
      if constexpr (kTakesCopies && !kReduces) cross.run_sent = &run_sent;
    }
    return made;
  }
};

}  // namespace FURROW_NAMESPACE::detail
