// The interface between the typed front of a map (templates, compiled into the program) and the backends
// (compiled into the library): plain function pointers over an opaque object. Not for direct use.
//
// A map has SIZE indices, from 0 on. An index stands for one item, or in map_reduce for one block of items. A
// backend calls run() for ranges of indices, concurrently from all its workers, so that each index runs once
// (again for a retry).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>

#include "furrow/codec.hpp"
#include "furrow/detail/abi.hpp"
#include "furrow/detail/published_item.hpp"
#include "furrow/errors.hpp"

namespace FURROW_NAMESPACE {
class Philox;
}

namespace FURROW_NAMESPACE::detail {

class TaskScope;

// A distinct type, so that a store to it cannot alias a result and loops over cheap functions still
// vectorise.
enum class ItemIndex : std::uint64_t {};
inline constexpr ItemIndex kNoItem{~std::uint64_t{0}};
inline constexpr ItemIndex kPublishedItem{~std::uint64_t{1}};  // it is noted elsewhere

enum class AfterFailure : std::uint8_t { kNext, kAgain, kStop };

// What a worker's loop reports to: it handles failures, and watches the time of tasks that can be stopped.
// Called on the worker's own thread.
class FURROW_API TaskHost {
 public:
  virtual ~TaskHost() = default;
  // Called in an exception handler, for the current exception.
  virtual AfterFailure failed(TaskScope&, std::uint64_t index) = 0;
  virtual std::stop_token begin_watch(TaskScope&) = 0;
  virtual void end_watch(TaskScope&) = 0;                      // throws if the time had run out
  virtual bool stop_requested(TaskScope&) const noexcept = 0;  // whether the current task should end
};

// What a task belongs to: its map or call, and the worker that runs it.
struct TaskOrigin {
  int worker = 0;            // of the Pool, from 0
  std::uint64_t seed = 0;    // of the random streams
  std::uint64_t number = 0;  // of the map or call in its Pool
  int cores_per_task = 1;    // the cores that a Pool made by the task should use
};

// What a host notes about the task that runs.
struct HostNotes {
  void* watch = nullptr;  // owned by the host, while a task that can be stopped runs
  bool ends = false;      // the task was told to end, so no other one of its range begins
  std::uint64_t given_up_at =
      ~std::uint64_t{0};  // the failed index after which the rest of its range was given up
};

// The state of the task that a worker runs, in a map or for a single call. It is made on the thread that runs
// the tasks, and task_index() and task_rng() use it there until it is destroyed. Scopes nest.
class FURROW_API TaskScope {
 public:
  // HOST is borrowed, and so is PUBLISHED: memory that the parent of a worker process reads (null: none).
  TaskScope(const TaskOrigin& origin, TaskHost* host, PublishedItem* published = nullptr) noexcept;
  ~TaskScope();
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  const TaskOrigin& origin() const { return origin_; }
  TaskHost& host() const { return *host_; }
  TaskScope* outer() const { return outer_; }  // the enclosing scope; null for the outermost
  HostNotes& notes() { return notes_; }

  // The item that runs.
  ItemIndex current() const { return item_ == kPublishedItem ? ItemIndex{published_->load()} : item_; }
  void set_current(ItemIndex item) { item_ = item; }
  bool is_published() const { return published_ != &own_published_; }
  void publish(std::uint64_t index) {
    item_ = ItemIndex{index};
    published_->publish(index);
  }
  // From now on items are noted there alone.
  PublishedItem& published() {
    item_ = kPublishedItem;
    return *published_;
  }

  // Counts a failed attempt at the item that runs, and returns how many there are. EARLIER: those in other processes.
  int count_failure(int earlier = 0) noexcept;
  // The item is tried again: its random stream, and the numbers of what it makes, begin anew.
  void forget_stream() noexcept { rng_item_ = numbered_item_ = kNoItem; }
  Philox& rng();
  // The number of a map or call that the task makes. It depends on nothing but the task, and how many it has made
  // before; those made outside of tasks count from 0, and these have the highest bit.
  std::uint64_t next_number() noexcept;
  // Begins another call, on the same worker.
  void renew(const TaskOrigin& origin) noexcept;

 private:
  ItemIndex item_ = kNoItem;
  TaskOrigin origin_;
  TaskHost* host_;
  TaskScope* outer_;
  HostNotes notes_{};
  PublishedItem own_published_{};
  PublishedItem* published_;
  ItemIndex failed_item_ = kNoItem;
  int attempts_ = 0;       // failed ones, at failed_item_
  Philox* rng_ = nullptr;  // owned; made when the task first asks for it, for rng_item_
  ItemIndex rng_item_ = kNoItem;
  std::uint64_t numbered_ = 0;  // maps and calls that the task numbered_item_ has made
  ItemIndex numbered_item_ = kNoItem;
};

// How a loop notes the item that it is about to run: for workers in this process only, and for all, worker processes
// too. Each stores once, since stores are most of the cost of a cheap task.
struct NotedHere {
  TaskScope& scope;
  void operator()(std::uint64_t index) const { scope.set_current(ItemIndex{index}); }
};
class NotedThere {
 public:
  explicit NotedThere(TaskScope& scope) : published_(&scope.published()) {}
  void operator()(std::uint64_t index) const { published_->publish(index); }

 private:
  PublishedItem* published_;  // a copy of its own, which no store of a result can alias
};

// The innermost scope of this thread; null outside of tasks.
FURROW_API TaskScope* current_scope() noexcept;

// Takes the encoded results of a worker process: begin() before the bytes of one result, end() after them. If
// a result is begun and not ended, since its encoding threw, its bytes are dropped.
class FURROW_API ResultWriter : public Writer {
 public:
  virtual void begin(std::uint64_t index) = 0;
  virtual void end() = 0;
};

// How results and inputs travel between processes. A function pointer is null where that is not possible.
struct CrossCall {
  // Why results cannot be sent, as the end of a sentence; null if they can.
  const char* refusal = nullptr;
  const char* input_refusal = nullptr;  // the same for inputs; only some maps send them
  // Size of a plain result, which goes straight into shared memory; 0: no results, or encoded ones.
  std::size_t result_size = 0;
  // Where results are stored, if that memory belongs to the map alone, so that workers need no copy of it.
  void* output = nullptr;
  std::size_t output_size = 0;  // bytes
  // Where the plain result of index 0 is stored, if results lie there one after the other as they are. They
  // may then be written directly instead of through store_plain(). Null otherwise.
  void* plain_output = nullptr;
  // Called in the worker. RESULTS is the address for index 0. One of the two is null: run_plain serves plain
  // results and functions that return nothing.
  void (*run_plain)(void* object, TaskScope&, std::uint64_t begin, std::uint64_t end,
                    void* results) = nullptr;
  void (*run_encoded)(void* object, TaskScope&, std::uint64_t begin, std::uint64_t end,
                      ResultWriter&) = nullptr;
  // Called in the worker, for inputs that were sent: reads COUNT of them, and writes a result for each.
  void (*run_sent)(void* object, TaskScope&, std::uint64_t begin, std::uint64_t count, Reader& inputs,
                   ResultWriter&) = nullptr;
  // The function itself, for workers that were started before the map was called.
  const char* function_refusal = nullptr;  // why it cannot be sent, as the end of a sentence
  void (*encode_function)(void* object, Writer&) = nullptr;
  void* (*decode_function)(Reader&) = nullptr;  // in the worker, which owns it until drop_function()
  void (*run_decoded)(void* function, TaskScope&, std::uint64_t begin, std::uint64_t count, Reader& inputs,
                      ResultWriter&) = nullptr;
  void (*drop_function)(void* function) = nullptr;
  // Called in the parent: store results that came from a worker. RESULTS is the address for index BEGIN.
  void (*store_plain)(void* object, std::uint64_t begin, std::uint64_t end, const void* results) = nullptr;
  void (*store_encoded)(void* object, std::uint64_t index, Reader&) = nullptr;
  // Called in the parent: encode a result that is already stored, or the input of an index.
  void (*encode_result)(void* object, std::uint64_t index, Writer&) = nullptr;
  void (*encode_input)(void* object, std::uint64_t index, Writer&) = nullptr;
};

class AsyncLoop;
struct AsyncTask;

// How the async backend runs a function that returns an awaitable; null pointers for other functions.
struct AsyncStart {
  std::unique_ptr<AsyncLoop> (*make_loop)() = nullptr;
  // Starts the coroutine for INDEX as TASK, whose host is called when it ends.
  void (*start)(void* object, AsyncLoop&, AsyncTask& task, std::uint64_t index) = nullptr;
};

struct MapCall {
  void* object = nullptr;   // borrowed until the map ends
  std::uint64_t size = 0;   // number of indices
  std::uint64_t block = 1;  // items for each index; may be fewer for the last one
  std::uint64_t items = 0;  // in all
  bool folds = false;       // an index is a block of items
  void (*run)(void* object, TaskScope&, std::uint64_t begin, std::uint64_t end) = nullptr;
  bool stoppable = false;   // the function takes a std::stop_token
  bool has_result = false;  // false for functions that return nothing
  CrossCall cross{};
  AsyncStart async{};
};

// A map that reads its inputs as it goes. A chunk is an object for MapCall's functions that holds inputs
// BEGIN to END and has room for their results. It belongs to the caller, and must live until wait() returns
// it. Only the thread that opened a stream may use it. Destroying it asks running tasks to stop, if they can
// be, and waits for them.
class FURROW_API Stream {
 public:
  struct Done {
    void* chunk = nullptr;  // null: no chunk is in flight
    double busy_s = 0;      // how long a worker was busy with it
  };
  virtual ~Stream() = default;
  virtual void submit(void* chunk, std::uint64_t begin, std::uint64_t end) = 0;
  // Returns the next chunk that is done, in any order; none if the stream was cancelled.
  virtual Done wait() = 0;
  virtual bool cancelled() const noexcept { return false; }
  // Gets the failure of item INDEX, whose chunk wait() has returned; false if it did not fail.
  virtual bool take_failure(std::uint64_t index, Failure& failure) = 0;
};

}  // namespace FURROW_NAMESPACE::detail
