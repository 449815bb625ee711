// A map, stream or single call that is not finished: its inputs, what was sent, and the results so far.
//
//   inputs: give() ... end_input() -> dispatch(): encoded, sent as chunks -> store(), fail() -> settled
//
// A map has all its inputs when it begins, and returns a list of results in their order. A stream gets its
// inputs step by step and yields its results one by one; it sends no more while too many results wait to be
// taken. A stream of calls is one whose iterator may have nothing now and something later, until it is closed.
//
// The GIL guards all of it. Ownership: shared between its Python object and the WorkerPool, which keeps it
// while any of its chunks is in flight.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "native/session.hpp"
#include "native/values.hpp"
#include "native/wire.hpp"
#include "pool/map/work_stealing_ranges.hpp"
#include "pool/work/chunk_workers.hpp"

namespace furrow::python {

class PendingMap {
 public:
  enum class Kind : int { kMap = 0, kOrdered = 1, kUnordered = 2, kCalls = 3 };
  struct Options {
    Kind kind = Kind::kMap;
    std::uint64_t key = 0;  // identifies the spec: calls with equal specs share a key
    std::string spec{};     // what furrow._worker.learn() reads
    std::uint64_t chunksize = 0;
    double timeout_s = 0;
    int retries = 0;
    py::object collect{};  // (index, exception) -> the result in its place; None: the exception is raised
    std::uint64_t items_ahead = 0;  // of a stream: how many results may wait to be taken
    py::object on_settled{};        // called once with (error, results); None: nothing
  };

  PendingMap(Options options, py::object make_failure);
  ~PendingMap();
  PendingMap(const PendingMap&) = delete;
  PendingMap& operator=(const PendingMap&) = delete;

  // Adds inputs: a list, a tuple or a range.
  void give(py::object items);
  // Inputs will be drawn from ITERATOR as they are needed. It must not wait for anything.
  void draw_from(py::object iterator) { iterator_ = std::move(iterator); }
  // A map makes the list for its results here; throws if there is no memory for it.
  void end_input() {
    input_ended_ = true;
    make_results();
  }
  void fail_input(py::object exception);
  // Forgets the inputs that were not sent, so that a stream ends early.
  void drop_inputs();
  bool dropped() const { return dropped_; }  // whether there were such inputs
  // Whether a stream's feeder should give more.
  bool wants_input() const;

  // For a map that has all its inputs: progress, trace and resume file. Returns the number that keys its
  // random streams.
  std::uint64_t open_session(Session::Options options, Pickling& pickling);
  void set_key(std::uint64_t key) { options_.key = key; }
  void set_spec(std::string spec) { options_.spec = std::move(spec); }

  // The following are for the WorkerPool. BASE: the number of the map's first index in the pool.
  void begin(std::uint64_t base, int workers, const pool::ChunkWorkers::FlowControl& flow_control,
             Encoder& encoder, const Pickling& pickling, BufferStore* store);
  // Sends as many chunks as there is room for; false if there were none.
  bool dispatch(pool::ChunkWorkers& workers);
  bool idle() const { return in_flight_ == 0; }
  // A session waits for the report of each chunk, which comes after its last result.
  bool over() const {
    return input_ended_ && !has_input() && accounted_ == dispatched_ && (!session_ || in_flight_ == 0);
  }
  void settle();                   // when it is over: calls on_settled
  void abandon(py::object error);  // settles it with ERROR; results that are missing never arrive
  void cancel();                   // drops the remaining inputs; nobody is informed
  void tick();                     // called now and then, for progress
  void restarted(int worker);
  bool keeps_buffers() const { return !sent_.held.empty(); }
  void let_go();  // releases what it put into the arena; call it when the map is idle
  bool settled() const { return settled_; }
  const Options& options() const { return options_; }
  std::uint64_t done() const { return accounted_; }
  std::uint64_t failed() const { return failed_; }
  std::uint64_t total() const { return dispatched_ + waiting_inputs(); }
  // Its tasks: those that are not over, and what became of the others. What was cancelled, or came from a resume file, is
  // not among them.
  struct Counts {
    std::uint64_t unfinished = 0, completed = 0, failed = 0;
  };
  Counts counts() const {
    if (at_its_end_) return *at_its_end_;
    return {total() - accounted_, accounted_ - failed_ - resumed_, failed_};
  }

  // The results of a settled map: what to raise, or the list.
  py::object error() const { return error_ ? error_ : py::none(); }
  py::object results() const { return results_; }
  // The next item of a stream, if it has arrived.
  struct Item {
    py::object value;
    bool raised = false;
    std::uint64_t index = 0;  // for calls
  };
  std::optional<Item> take();
  bool ready() const { return !ready_.empty(); }
  bool exhausted() const { return settled_ && ready_.empty() && early_.empty(); }

 private:
  class SentChunk;
  // A range is computed as START + i * STEP and never becomes a list.
  struct Given {
    py::object items;
    Py_ssize_t size = 0;
    bool is_range = false;
    std::int64_t start = 0, step = 0;
    py::object operator[](Py_ssize_t position) const;
  };

  void end_counts() {
    at_its_end_ = counts();
    at_its_end_->unfinished = 0;
  }
  bool has_input();
  bool has_input() const;
  std::uint64_t waiting_inputs() const;
  py::object next_input();
  std::uint64_t next_size() const;
  bool send_chunk(pool::ChunkWorkers& workers);
  bool has_room() const;
  bool is_full(const SentChunk& chunk) const;
  void encode_simple_ones(SentChunk& chunk, std::uint64_t end);
  void encode_range(SentChunk& chunk, std::uint64_t end);
  void encode_list(SentChunk& chunk, std::uint64_t end);
  SentChunk* fresh_chunk();
  void store(std::uint64_t index, py::object value);
  std::uint64_t store_wholes(std::uint64_t index, std::uint64_t end, const char*& at, const char* end_at);
  void fail(std::uint64_t index, py::object exception, int worker = -1, int attempts = 1);
  void make_results();
  void skip_what_is_there();
  void log_start() const;
  void put(std::uint64_t index, Item item);
  void chunk_done(SentChunk* chunk, int worker, const pool::Chunk::Times& times);

  Options options_;
  py::object make_failure_;

  std::deque<Given> inputs_{};
  Py_ssize_t next_ = 0;      // position in inputs_.front()
  std::uint64_t given_ = 0;  // how many inputs there have been
  py::object iterator_{};
  py::object drawn_{};
  bool input_ended_ = false, dropped_ = false;
  py::object input_error_{};
  bool dispatching_ = false;

  std::uint64_t base_ = 0;
  int workers_ = 1;
  pool::ChunkWorkers::FlowControl flow_control_{};
  std::int64_t longer_ = 1;  // a chunk takes this many times as long as the sizer aims for
  Encoder* encoder_ = nullptr;
  const Pickling* pickling_ = nullptr;
  BufferStore* store_ = nullptr;
  std::vector<pool::IndexRange> ranges_{};  // the inputs left to do, if there is a session; otherwise empty
  std::size_t next_range_ = 0;
  SentBuffers sent_{};
  bool heavy_ = false;  // its inputs have large buffers, in the arena
  std::unique_ptr<Session> session_{};
  std::uint64_t dispatched_ = 0, accounted_ = 0, failed_ = 0;
  std::uint64_t resumed_ = 0;           // of accounted_: came from a resume file
  std::optional<Counts> at_its_end_{};  // of a map that was cancelled or abandoned
  std::size_t in_flight_ = 0, most_ahead_ = 0;
  double chunk_ns_ = 0;  // about how long recent chunks took
  pool::ChunkSizer sizer_;
  std::vector<std::unique_ptr<SentChunk>> chunks_{};
  std::vector<SentChunk*> free_{};

  bool settled_ = false, quiet_ = false;
  py::object results_{};
  py::object error_{};
  std::uint64_t error_index_ = 0;
  std::deque<Item> ready_{};
  std::map<std::uint64_t, Item> early_{};
  std::uint64_t next_out_ = 0;
};

}  // namespace furrow::python
