// One map, stream or call under way, seen from the process that asked for it: where its inputs are, what was
// sent, and what came back.
//
//   inputs: give() ... end_input() -> feed(): encoded, sent as chunks -> store(), fail() -> settled
//
// A map has all inputs when it begins and gives a list of results in their order. A stream gets its inputs
// bit by bit, and hands results out one by one; it holds back while too many wait to be taken.
//
// The GIL guards all of it. Ownership: shared between its Python object and the crew, which keeps it until
// none of its chunks is under way.
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
#include "pool/map/range_board.hpp"
#include "pool/messages/parcel_crew.hpp"

namespace furrow::python {

class Job {
 public:
  enum class Kind : int { kMap = 0, kOrdered = 1, kUnordered = 2 };
  struct Options {
    Kind kind = Kind::kMap;
    std::uint64_t key = 0;  // of the spec: jobs with equal ones share it
    std::string spec{};     // what furrow._worker.learn() reads
    std::uint64_t chunksize = 0;
    double timeout_s = 0;
    int retries = 0;
    py::object collect{};           // (index, exception) -> the result in its place; none: it is raised
    std::uint64_t items_ahead = 0;  // of a stream: results that may wait to be taken
    py::object on_settled{};        // called once; none
  };

  Job(Options options, py::object make_failure);
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // More inputs: a list, a tuple or a range.
  void give(py::object items);
  // The same, drawn from ITERATOR when they are wanted. It must not wait for anything.
  void draw_from(py::object iterator) { iterator_ = std::move(iterator); }
  // A map makes the list for its results here; throws where there is no memory for it.
  void end_input() {
    input_ended_ = true;
    make_results();
  }
  void fail_input(py::object exception);
  // Whether a stream's feeder should give more.
  bool hungry() const;

  // Of a map whose inputs are all there: progress, trace and resume file. Gives the number of its random
  // streams.
  std::uint64_t open_session(Session::Options options, Pickling& pickling);
  void set_key(std::uint64_t key) { options_.key = key; }
  void set_spec(std::string spec) { options_.spec = std::move(spec); }

  // The crew's side. BASE: of its units.
  void begin(std::uint64_t base, int workers, const pool::ParcelCrew::Appetite& appetite, Encoder& encoder,
             const Pickling& pickling, BufferStore* store);
  // Sends what there is room for; whether there was anything.
  bool feed(pool::ParcelCrew& crew);
  bool idle() const { return under_way_ == 0; }
  // A session waits for the report of each chunk, which comes after its last result.
  bool over() const {
    return input_ended_ && !has_input() && accounted_ == fed_ && (!session_ || under_way_ == 0);
  }
  void settle();                   // over: tells on_settled
  void abandon(py::object error);  // what is not there yet never comes
  void cancel();                   // the same, quietly, since nobody waits for it
  void tick();                     // now and then
  void restarted(int worker);
  bool keeps_buffers() const { return !sent_.held.empty(); }
  void let_go();  // of what it put into the arena, when it is idle
  bool settled() const { return settled_; }
  const Options& options() const { return options_; }
  std::uint64_t done() const { return accounted_; }
  std::uint64_t failed() const { return failed_; }
  std::uint64_t total() const { return fed_ + waiting_inputs(); }

  // Results. Of a map, once settled: the list, or what to raise.
  py::object error() const { return error_ ? error_ : py::none(); }
  py::object results() const { return results_; }
  // Of a stream: the next item; nothing where it is not there yet.
  struct Item {
    py::object value;
    bool raised = false;
  };
  std::optional<Item> take();
  bool ready() const { return !ready_.empty(); }
  bool exhausted() const { return settled_ && ready_.empty() && early_.empty(); }

 private:
  class Chunk;
  // A range is counted here, and never becomes a list: START + i * STEP.
  struct Given {
    py::object items;
    Py_ssize_t size = 0;
    bool is_range = false;
    std::int64_t start = 0, step = 0;
    py::object operator[](Py_ssize_t place) const;
  };

  bool has_input();
  bool has_input() const;
  std::uint64_t waiting_inputs() const;
  py::object next_input();
  std::uint64_t next_size() const;
  bool send_chunk(pool::ParcelCrew& crew);
  bool has_room() const;
  bool is_full(const Chunk& chunk) const;
  void encode_simple_ones(Chunk& chunk, std::uint64_t end);
  template <class Encode>
  void encode_while(Chunk& chunk, std::uint64_t end, Encode encode);
  Chunk* fresh_chunk();
  void store(std::uint64_t index, py::object value);
  void fail(std::uint64_t index, py::object exception, int worker = -1, int attempts = 1);
  void make_results();
  void skip_what_is_there();
  void put(std::uint64_t index, Item item);
  void chunk_done(Chunk* chunk, int worker, const pool::Parcel::Times& times);

  Options options_;
  py::object make_failure_;

  std::deque<Given> inputs_{};
  Py_ssize_t next_ = 0;      // of the first of them
  std::uint64_t given_ = 0;  // inputs ever
  py::object iterator_{};
  py::object drawn_{};
  bool input_ended_ = false;
  py::object input_error_{};
  bool feeding_ = false;

  std::uint64_t base_ = 0;
  int workers_ = 1;
  pool::ParcelCrew::Appetite appetite_{};
  std::int64_t longer_ = 1;  // a chunk takes so many times what the sizer aims at
  Encoder* encoder_ = nullptr;
  const Pickling* pickling_ = nullptr;
  BufferStore* store_ = nullptr;
  std::vector<pool::Span> spans_{};  // of inputs that are to be done; all of them where there is no session
  std::size_t span_ = 0;
  SentBuffers sent_{};
  bool heavy_ = false;  // it puts much into the arena
  std::unique_ptr<Session> session_{};
  std::uint64_t fed_ = 0, accounted_ = 0, failed_ = 0;
  std::size_t under_way_ = 0, most_ahead_ = 0;
  double chunk_ns_ = 0;  // about how long the last ones took
  pool::ChunkSizer sizer_;
  std::vector<std::unique_ptr<Chunk>> chunks_{};
  std::vector<Chunk*> free_{};

  bool settled_ = false, quiet_ = false;
  py::object results_{};
  py::object error_{};
  std::uint64_t error_index_ = 0;
  std::deque<Item> ready_{};
  std::map<std::uint64_t, Item> early_{};
  std::uint64_t next_out_ = 0;
};

}  // namespace furrow::python
