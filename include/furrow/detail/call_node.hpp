// One call of apply_async, which a worker runs and a Future waits for. Not for direct use.
//
// States: pending -> done, once. The Future and the Pool share the node by reference counting; the last
// reference deletes it. A node is in at most one list at a time, linked through next and previous, which are
// guarded by that list's lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>

#include "furrow/bind.hpp"
#include "furrow/detail/abi.hpp"
#include "furrow/detail/call_ending.hpp"
#include "furrow/detail/kernels.hpp"
#include "furrow/detail/thread_sanitizer.hpp"
#include "furrow/outcome.hpp"

namespace furrow::pool {
class TimeoutMonitor;
class CallPump;
class CallQueue;
}  // namespace furrow::pool

namespace FURROW_NAMESPACE::detail {

// Something that a worker in this process can run; borrowed by the list it is in.
struct FURROW_API TaskNode {
  TaskNode* next = nullptr;
  TaskNode* previous = nullptr;
  static constexpr std::int32_t kNotQueued = -1;
  std::atomic<std::int32_t> queue{kNotQueued};  // the number of the queue that it is in
  virtual void execute(int worker) noexcept = 0;
  virtual void drop() noexcept = 0;  // it will never run
  // Whether anybody can still ask for its result.
  virtual bool is_kept() const noexcept { return true; }
  virtual bool is_call() const noexcept { return false; }

 protected:
  TaskNode() = default;
  ~TaskNode() = default;
};

// Memory of calls, on any thread. SIZE bytes, aligned as operator new does. Throws std::bad_alloc.
FURROW_API void* take_call_memory(std::size_t size);
FURROW_API void give_back_call_memory(void* memory, std::size_t size) noexcept;

// How a call travels to another process: there SERVE, a function of the program, reads what encode() wrote
// here.
struct SentCall {
  const char* refusal = nullptr;  // why it cannot be sent, as the end of a sentence
  void (*serve)(Reader& call, TaskScope&, Writer& result) = nullptr;
};

// What all calls of a Pool have in common.
struct CallHome {
  std::uint64_t seed = 0;
  int cores_per_task = 1;  // cores for a Pool inside a task
  pool::TimeoutMonitor* timeout_monitor = nullptr;
  std::atomic<std::uint32_t> stops{0};  // how often all calls were cancelled
  // How many calls have failed, and how many ended as cancelled.
  mutable std::atomic<std::uint64_t> failed{0}, cancelled{0};
};

class FURROW_API CallNode : public TaskNode {
 public:
  virtual ~CallNode() {
    if (limits_) drop_limits();
  }
  // One thread makes calls and others often delete them: their memory is kept for the next ones.
  static void* operator new(std::size_t size) { return take_call_memory(size); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    give_back_call_memory(memory, size);
  }
  static void* operator new(std::size_t size, std::align_val_t align) { return ::operator new(size, align); }
  static void operator delete(void* memory, std::size_t, std::align_val_t align) noexcept {
    ::operator delete(memory, align);
  }
  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    released(&references_);
    // The last one needs no locked instruction: nobody else can change the number.
    if (references_.load(std::memory_order_acquire) != 1 &&
        references_.fetch_sub(1, std::memory_order_acq_rel) > 1)
      return;
    acquired(&references_);
    delete this;
  }

  bool is_kept() const noexcept final { return references_.load(std::memory_order_acquire) > 1; }
  bool is_call() const noexcept final { return true; }

  bool ready() const noexcept { return ending_.is_done() || (pump && pumped()); }
  void wait();                          // on a worker of its Pool, runs the call if no worker has begun it
  bool wait_for(double seconds) const;  // returns whether it is ready
  void execute(int worker) noexcept final;
  void drop() noexcept final;

  // Asks the call to end, and settles it if nobody has begun it. False if it has ended before; else it ends as cancelled.
  bool cancel() noexcept;
  bool is_cancelled() const noexcept {
    return ending_.is_cancelled() || stops != home->stops.load(std::memory_order_acquire);
  }
  void settle_cancelled() noexcept;
  // Cancels the call when TOKEN asks for it. Called once, when the call has been submitted, after limit(..., true) if
  // that is possible.
  void cancel_on(std::stop_token token);

  // For backends: one of these, then settle(), once.
  virtual void store(Reader& result) = 0;
  void fail(Failure failure) {
    failed_as_ = failure.kind == FailureKind::kCancelled ? FailedAs::kCancelled : FailedAs::kFailed;
    keep_failure(std::move(failure));
  }
  // Destroys the function, runs the callbacks, wakes all waiting threads, and drops the Pool's reference. If the call
  // was cancelled, that is its outcome.
  void settle() noexcept;

  virtual bool stoppable() const = 0;  // whether the function takes a stop token
  virtual SentCall sent() const = 0;
  virtual void encode(Writer& call) const = 0;
  virtual AsyncStart async() const { return {}; }  // its object is the CallNode

  // For each attempt; 0: none.
  double timeout_s() const noexcept { return limits_ ? limits_->timeout_s : 0; }
  int retries() const noexcept { return limits_ ? limits_->retries : 0; }
  // Called once, before the call is submitted. HAS_TOKEN: cancel_on() comes after that.
  void limit(double timeout_s, int retries, bool has_token) {
    if (timeout_s != 0 || retries != 0 || has_token) set_limits(timeout_s, retries);
  }
  // Counts a failed attempt; returns how many there are.
  int count_failure() noexcept { return limits_ ? ++limits_->attempts : 1; }
  // For a pump: its own number of the call.
  void set_place(std::uint64_t place) noexcept { where_.store(place, std::memory_order_relaxed); }
  std::uint64_t place() const noexcept { return where_.load(std::memory_order_relaxed); }

  std::uint32_t stops = 0;         // of the home, when the call was made
  const CallHome* home = nullptr;  // borrowed from the Pool
  std::uint64_t number = 0;        // of the call among the maps and calls of its Pool
  // Borrowed until the call is done. A thread that waits for the call must run this pump meanwhile.
  pool::CallPump* pump = nullptr;
  pool::CallQueue* call_queue = nullptr;  // where it is, if not at its caller

 protected:
  virtual void call(TaskScope& scope) = 0;  // in this process; stores the result, or throws
  virtual void keep_failure(Failure failure) = 0;
  using Listener = CallEnding::Listener;
  // Calls and deletes those that come before the end; returns those that come after it. LAST is the one added last.
  virtual Listener* run_callbacks(Listener* last) noexcept = 0;
  virtual void run_late(Listener* first) noexcept = 0;  // after the end
  // For a call that no Pool runs.
  CallNode() = default;
  explicit CallNode(pool::CallPump* of_parts) noexcept;
  virtual void drop_function() noexcept = 0;  // destroys the function and its arguments

  CallEnding ending_;

 private:
  bool pumped() const noexcept;
  bool wait_pumping(std::int64_t until_ns) const;
  bool wait_parked(std::int64_t until_ns) const;

  struct CancelOnStop;
  struct Runner;
  // What few calls have.
  struct Limits {
    double timeout_s = 0;
    int retries = 0;
    int attempts = 0;                 // failed attempts
    CancelOnStop* on_stop = nullptr;  // owned
  };
  void count_failure_end() noexcept;
  void end_as_cancelled() noexcept;
  void drop_limits() noexcept;
  void set_limits(double timeout_s, int retries);

  // A call goes from the thread that makes it to the one that runs it, and back: the fewer lines of memory and the fewer
  // locked instructions, the faster.
  std::atomic<int> references_{2};  // of the Future and the Pool
  enum class FailedAs : std::uint8_t { kNothing, kFailed, kCancelled } failed_as_ = FailedAs::kNothing;
  bool is_counted_ = false;
  // A Runner, once a thread of this process runs the call; with a pump, the place.
  std::atomic<std::uint64_t> where_{0};
  Limits* limits_ = nullptr;  // owned; null: none
};

// The exception that is being handled, as a Failure.
FURROW_API Failure failure_here();

// A call with a result of type R: what a Future holds.
template <class R>
class CallState : public CallNode {
 public:
  using Callback = std::function<void(const Outcome<R>&)>;

  const Outcome<R>& outcome() const { return outcome_; }
  Outcome<R>& outcome() { return outcome_; }
  // Runs CALLBACK when the call is settled, on the thread that settles it; at once if it is settled already.
  void listen(Callback callback) {
    auto* listener = new CallbackListener{{nullptr, false}, std::move(callback)};
    if (this->ending_.add(listener)) return;
    listener->callback(outcome_);
    delete listener;
  }
  // Runs CALLBACK when waiting threads have been told of the end. False, and it is not kept, if the call is settled.
  bool listen_late(Callback callback) {
    auto* listener = new CallbackListener{{nullptr, true}, std::move(callback)};
    if (this->ending_.add(listener)) return true;
    delete listener;
    return false;
  }

  void store(Reader& result) override {
    if constexpr (std::is_void_v<R>)
      outcome_ = Outcome<void>::done();
    else if constexpr (kCrosses<R>)
      outcome_ = Outcome<R>(Codec<R>::decode(result));
  }

 protected:
  using CallNode::CallNode;
  using typename CallNode::Listener;
  void keep_failure(Failure failure) override { outcome_ = Outcome<R>(std::move(failure)); }
  ~CallState() override {
    for (Listener* each = this->ending_.left(); each;)
      delete static_cast<CallbackListener*>(std::exchange(each, each->next));
  }
  Listener* run_callbacks(Listener* last) noexcept override {
    Listener* first = nullptr;
    while (last) {  // each was pushed to the front: reverse the list, so that they run in order
      Listener* before = std::exchange(last->next, first);
      first = std::exchange(last, before);
    }
    Listener* late = nullptr;
    while (first) {
      auto* const each = static_cast<CallbackListener*>(std::exchange(first, first->next));
      if (each->late) {
        each->next = late;
        late = each;
        continue;
      }
      each->callback(outcome_);  // an exception ends the program, since nothing could catch it
      delete each;
    }
    return late;
  }
  void run_late(Listener* first) noexcept override {
    while (first) {
      auto* const each = static_cast<CallbackListener*>(std::exchange(first, first->next));
      each->callback(outcome_);
      delete each;
    }
  }

  Outcome<R> outcome_{};

 private:
  struct CallbackListener : Listener {
    Callback callback;
  };
};

template <class F, class... Args>
using CallResultRaw =
    typename std::conditional_t<std::is_invocable_v<F&, Args...>, std::invoke_result<F&, Args...>,
                                std::invoke_result<F&, Args..., std::stop_token>>::type;
template <class F, class... Args>
using CallResult =
    std::remove_cvref_t<typename Awaited<std::remove_cvref_t<CallResultRaw<F, Args...>>>::Type>;

// Whether F must own its arguments, as one that takes a std::unique_ptr by value: then they are moved into it, and the
// call cannot be tried again.
template <class F, class... Args>
inline constexpr bool kTakesOnce =
    !std::is_invocable_v<F&, Args&...> && !std::is_invocable_v<F&, Args&..., std::stop_token> &&
    (std::is_invocable_v<F&, Args...> || std::is_invocable_v<F&, Args..., std::stop_token>);
template <bool once, class F, class... Args>
struct CallTypes {
  using Result = CallResult<F, Args&...>;
  using Raw = CallResultRaw<F, Args&...>;
  using Given = std::tuple<Args...>&;
};
template <class F, class... Args>
struct CallTypes<true, F, Args...> {
  using Result = CallResult<F, Args...>;
  using Raw = CallResultRaw<F, Args...>;
  using Given = std::tuple<Args...>;
};
template <class F, class... Args>
using TypesOfCall = CallTypes<kTakesOnce<F, Args...>, F, Args...>;

// A call with its function and arguments, kept by value.
template <class F, class... Args>
class AsyncCall final : public CallState<typename TypesOfCall<F, Args...>::Result> {
  using R = typename TypesOfCall<F, Args...>::Result;
  using Raw = std::remove_cvref_t<typename TypesOfCall<F, Args...>::Raw>;
  using Given = typename TypesOfCall<F, Args...>::Given;
  using Arguments = std::tuple<Args...>;

 public:
  using Result = R;
  template <class G, class... Given>
  explicit AsyncCall(G&& f, Given&&... args)
      : f_(std::in_place, std::forward<G>(f)), arguments_(std::in_place, std::forward<Given>(args)...) {}

  bool stoppable() const override { return Stoppable<Starred<F>, Given>; }
  SentCall sent() const override {
    SentCall made;
    made.refusal = crossing_refusal<R>();
    if constexpr (!Sendable<F>::kCan)
      made.refusal = Sendable<F>::kRefusal;
    else if constexpr (!(Encodable<Args> && ...))
      made.refusal =
          "an argument has no Codec, or is or contains a pointer or a view: pass values, or include "
          "<furrow/serialize.hpp>";
    else if constexpr (std::is_void_v<R> || kCrosses<R>)
      made.serve = &serve;
    return made;
  }
  AsyncStart async() const override {
    if constexpr (known_awaitable<Raw>())
      return Awaited<Raw>::template call_start<AsyncCall>();
    else
      return {};
  }
  void encode(Writer& writer) const override {
    if constexpr (Sendable<F>::kCan && (Encodable<Args> && ...)) {
      Sendable<F>::encode(writer, *f_);
      std::apply([&](const Args&... each) { (Codec<Args>::encode(writer, each), ...); }, *arguments_);
    }
  }

  // For <furrow/async.hpp>: begin() returns the awaitable, and keep() stores its result.
  auto begin(TaskScope& scope) {
    Starred<F> starred{&*f_};
    return begin_item(starred, static_cast<Given&&>(*arguments_), scope);
  }
  template <class... Value>
  void keep(Value&&... value) {
    if constexpr (std::is_void_v<R>)
      this->outcome_ = Outcome<void>::done();
    else
      this->outcome_ = Outcome<R>(std::forward<Value>(value)...);
  }

 protected:
  void call(TaskScope& scope) override {
    Starred<F> starred{&*f_};
    call_item(starred, static_cast<Given&&>(*arguments_), scope,
              [&](auto&&... result) { keep(std::move(result)...); });
  }
  void drop_function() noexcept override {
    f_.reset();
    arguments_.reset();
  }

 private:
  static void serve(Reader& reader, TaskScope& scope, Writer& result) {
    if constexpr (Sendable<F>::kCan && (Encodable<Args> && ...) && (std::is_void_v<R> || kCrosses<R>)) {
      F f = Sendable<F>::decode(reader);
      Arguments arguments{Codec<Args>::decode(reader)...};
      Starred<F> starred{&f};
      call_item(starred, static_cast<Given&&>(arguments), scope, [&](const auto&... value) {
        if constexpr (!std::is_void_v<R>) Codec<R>::encode(result, value...);
      });
    }
  }

  std::optional<F> f_;
  std::optional<Arguments> arguments_;
};

}  // namespace FURROW_NAMESPACE::detail
