// What the typed front of a map (templates, compiled into the program) and the backends (compiled into the
// library) say to each other: plain function pointers over an opaque object. Not for direct use.
//
// A map is SIZE units, numbered from 0; a unit is an item, or for map_reduce a block of items. A backend
// calls run() for stretches of units, each unit once (and again for a retry), from any of its workers at the
// same time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>

#include "furrow/codec.hpp"
#include "furrow/errors.hpp"

namespace furrow {
class Philox;
}

namespace furrow::detail {

struct TaskScope;

// A type of its own, so that a store of it cannot alias a result, and loops over cheap functions still
// vectorise.
enum class ItemIndex : std::uint64_t {};
inline constexpr ItemIndex kNoItem{~std::uint64_t{0}};

enum class AfterFailure : std::uint8_t { kNext, kAgain, kStop };

// What stands behind a participant in a map: hears of failures, and watches the time of tasks that can be
// stopped. Called on the participant's own thread.
class TaskHost {
 public:
  virtual ~TaskHost() = default;
  virtual AfterFailure failed(TaskScope&,
                              std::uint64_t unit) = 0;  // in a handler: the exception is the current one
  virtual std::stop_token begin_watch(TaskScope&) = 0;
  virtual void end_watch(TaskScope&) = 0;  // throws where the time had run out
};

// Where one participant in a map, or one single call, is. Made on the thread that runs the tasks, where it is
// the answer to task_index() and task_rng() until it is destroyed; scopes nest.
struct TaskScope {
  TaskScope(int worker, std::uint64_t seed, std::uint64_t number, TaskHost* host) noexcept;
  ~TaskScope();
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  ItemIndex item = kNoItem;
  int worker;        // of the Pool, from 0
  int attempts = 0;  // failed ones, at failed_item
  ItemIndex failed_item = kNoItem;
  std::uint64_t seed;     // of the random streams
  std::uint64_t number;   // of the map in its Pool
  TaskHost* host;         // borrowed
  TaskScope* outer;       // the scope that this one stands in; null on the outside
  int share = 1;          // the cores that a Pool made by this task should use
  void* watch = nullptr;  // the host's, while a task that can be stopped runs
  Philox* rng = nullptr;  // owned; made when the task first asks
  ItemIndex rng_item = kNoItem;
  std::uint64_t given_up_at = ~std::uint64_t{0};  // the failed unit after which a stretch was given up
  std::atomic<std::uint64_t> own_published{~std::uint64_t{0}};
  std::atomic<std::uint64_t>* published = &own_published;  // process workers: memory that the parent reads

  // The item that runs. What is published is what counts, where that is memory of the parent's.
  ItemIndex current() const {
    return published == &own_published ? item : ItemIndex{published->load(std::memory_order_relaxed)};
  }
  void publish(std::uint64_t index) {
    item = ItemIndex{index};
    publish_there(index);
  }
  // The same for process workers alone, with one store less: it is the larger part of a cheap task.
  void publish_there(std::uint64_t index) {
    std::atomic_signal_fence(std::memory_order_release);  // the result before is written by now
    published->store(index, std::memory_order_relaxed);
  }
};

// Where a worker process puts results that are not plain: begin() before the bytes of one result, end() after
// them. Bytes of a result that is begun and not ended (its encoding threw) are dropped.
class ResultWriter : public Writer {
 public:
  virtual void begin(std::uint64_t unit) = 0;
  virtual void end() = 0;
};

// How results and inputs cross the border of a process. Null pointers where they cannot.
struct CrossCall {
  const char* refusal = nullptr;  // why results cannot cross, as the end of a sentence; null where they can
  const char* input_refusal = nullptr;  // the same for inputs, which cross only where they are sent
  std::size_t result_size =
      0;  // of a plain result, which goes straight into shared memory; 0: none, or encoded
  // Where results are stored, if that belongs to the map alone: workers need no copy of it.
  void* output = nullptr;
  std::size_t output_size = 0;  // bytes
  // Where the plain result of unit 0 is stored, if results lie there one after the other as they are: then
  // they may be written from outside, instead of through store_plain(). Null otherwise.
  void* plain_output = nullptr;
  // In the worker. RESULTS is that of unit 0. One of the two is null: plain results and none at all go the
  // first way.
  void (*run_plain)(void* object, TaskScope&, std::uint64_t begin, std::uint64_t end,
                    void* results) = nullptr;
  void (*run_encoded)(void* object, TaskScope&, std::uint64_t begin, std::uint64_t end,
                      ResultWriter&) = nullptr;
  // In the worker, for inputs that were sent: reads COUNT of them, and writes a result for each.
  void (*run_sent)(void* object, TaskScope&, std::uint64_t begin, std::uint64_t count, Reader& inputs,
                   ResultWriter&) = nullptr;
  // The function itself, for workers that were started before the map was called.
  const char* function_refusal = nullptr;  // why it cannot be sent, as the end of a sentence
  void (*encode_function)(void* object, Writer&) = nullptr;
  void* (*decode_function)(Reader&) = nullptr;  // in the worker; its own until drop_function()
  void (*run_decoded)(void* function, TaskScope&, std::uint64_t begin, std::uint64_t count, Reader& inputs,
                      ResultWriter&) = nullptr;
  void (*drop_function)(void* function) = nullptr;
  // In the parent: takes results over. RESULTS is that of unit BEGIN.
  void (*store_plain)(void* object, std::uint64_t begin, std::uint64_t end, const void* results) = nullptr;
  void (*store_encoded)(void* object, std::uint64_t unit, Reader&) = nullptr;
  // In the parent: a result that is stored already, and the input of a unit.
  void (*encode_result)(void* object, std::uint64_t unit, Writer&) = nullptr;
  void (*encode_input)(void* object, std::uint64_t unit, Writer&) = nullptr;
};

class AsyncLoop;
struct AsyncTask;

// How the async backend runs a function that returns an awaitable; null pointers for other functions.
struct AsyncStart {
  std::unique_ptr<AsyncLoop> (*make_loop)() = nullptr;
  // Lets the unit's coroutine begin as TASK, whose host hears of its end.
  void (*start)(void* object, AsyncLoop&, AsyncTask& task, std::uint64_t unit) = nullptr;
};

struct MapCall {
  void* object = nullptr;   // borrowed until the map ends
  std::uint64_t size = 0;   // units
  std::uint64_t block = 1;  // items in a unit; fewer in the last one
  std::uint64_t items = 0;  // of all units
  void (*run)(void* object, TaskScope&, std::uint64_t begin, std::uint64_t end) = nullptr;
  bool stoppable = false;   // the function takes a std::stop_token
  bool has_result = false;  // false for functions that return nothing
  CrossCall cross{};
  AsyncStart async{};
};

// A map whose inputs come bit by bit. A chunk is an object for MapCall's functions that holds inputs BEGIN to
// END and has room for their results; it belongs to the caller, and must live until wait() gives it back. For
// the one thread that opened it. Destroying it stops what still runs, where that can be stopped, and waits.
class Stream {
 public:
  struct Done {
    void* chunk = nullptr;  // null: nothing is under way
    double busy_s = 0;      // how long a worker had it
  };
  virtual ~Stream() = default;
  virtual void submit(void* chunk, std::uint64_t begin, std::uint64_t end) = 0;
  virtual Done wait() = 0;  // for the next chunk that is done, whichever it is
  // The failure of item INDEX, whose chunk came back; kind kCancelled and no message where it did not fail.
  virtual bool take_failure(std::uint64_t index, Failure& failure) = 0;
};

}  // namespace furrow::detail
