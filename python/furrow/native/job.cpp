#include "native/job.hpp"

#include <algorithm>

namespace furrow::python {

namespace {

constexpr std::size_t kFirstAhead = 4;  // chunks of each worker
constexpr std::size_t kMostAhead = 200;
constexpr double kAhead_ns = 1'000'000;         // what a worker should have before it
constexpr std::int64_t kLonger = 4;             // a chunk takes so many times what the sizer aims at
constexpr std::size_t kChunkBytes = 128 << 10;  // a chunk of unknown size ends here
constexpr std::size_t kParcelBytes = 4 << 20;   // the same of one that ranks cut

// VALUE is given away.
void put_into_list(PyObject* list, std::uint64_t index, PyObject* value) {
  PyObject*& place = reinterpret_cast<PyListObject*>(list)->ob_item[index];
  PyObject* const before = std::exchange(place, value);
  Py_XDECREF(before);
}

class BytesReader {
 public:
  static void all(Reader& from, Buffer& to) {
    std::uint64_t size = 0;
    from.read(&size, sizeof size);
    to.clear();
    from.read(to.grow(size), size);
  }
};

}  // namespace

// A stretch of the job's units: their encoded inputs until they are accounted for.
class Job::Chunk : public pool::Parcel {
 public:
  explicit Chunk(Job& of) : job(of) {}

  void encode(std::uint64_t from, std::uint64_t to, Writer& body) override {
    const std::size_t first = starts[static_cast<std::size_t>(from - begin)];
    const std::size_t last = starts[static_cast<std::size_t>(to - begin)];
    body.write(bytes.data() + first, last - first);
  }
  void encode_job(Writer& body) override {
    const std::string& spec = job.options_.spec;
    const auto size = static_cast<std::uint64_t>(spec.size());
    body.write(&size, sizeof size);
    body.write(spec.data(), spec.size());
  }
  void store(std::uint64_t unit, Reader& result) override {
    Buffer value;
    BytesReader::all(result, value);
    store_block(unit, 1, {reinterpret_cast<const std::byte*>(value.data()), value.size()});
  }
  void store_block(std::uint64_t unit, std::uint64_t count, std::span<const std::byte> block) override {
    const char* at = reinterpret_cast<const char*>(block.data());
    const char* const end_of_block = at + block.size();
    for (const std::uint64_t last = unit + count; unit < last; ++unit) {
      try {
        job.store(index_of(unit), decode(at, end_of_block, *job.pickling_, job.store_));
      } catch (py::error_already_set& error) {
        job.fail(index_of(unit), exception_of(error));
      }
    }
  }
  void failed(Failure failure, std::uint64_t, int worker) override {
    const py::gil_scoped_acquire gil;
    py::object exception;
    try {
      exception = job.make_failure_(static_cast<int>(failure.kind), failure.index, py::bytes(failure.message),
                                    failure.signal, failure.exit_status, timeout_s);
    } catch (py::error_already_set& error) {
      exception = exception_of(error);
    }
    job.fail(failure.index, std::move(exception), worker, failure.attempts);
  }
  void done(int worker, const Times& times) override {
    const py::gil_scoped_acquire gil;
    job.chunk_done(this, worker, times);
  }
  std::uint64_t index_of(std::uint64_t unit) const override { return unit - job.base_; }

  Job& job;
  Buffer bytes{};
  std::vector<std::size_t> starts{};    // of each unit's bytes, and their end
  std::vector<std::uint64_t> places{};  // in the arena, that the bytes refer to
};

Job::Job(Options options, py::object make_failure)
    : options_(std::move(options)), make_failure_(std::move(make_failure)), sizer_(options_.chunksize) {}

Job::~Job() = default;

void Job::give(py::object items) {
  Given given;
  const auto small = [&](const char* name, std::int64_t& value) {
    int overflow = 0;
    value = PyLong_AsLongLongAndOverflow(py::object(items.attr(name)).ptr(), &overflow);
    return overflow == 0;
  };
  // Counting to the end does not overflow where the end itself is small.
  std::int64_t stop = 0;
  given.is_range = PyRange_Check(items.ptr()) && small("start", given.start) && small("step", given.step) &&
                   small("stop", stop);
  if (!given.is_range && PyRange_Check(items.ptr()))
    items = py::reinterpret_steal<py::object>(PySequence_List(items.ptr()));
  if (!items) throw py::error_already_set();
  given.size = given.is_range ? PySequence_Size(items.ptr()) : PySequence_Fast_GET_SIZE(items.ptr());
  if (given.size < 0) throw py::error_already_set();
  if (given.size == 0) return;
  given_ += static_cast<std::uint64_t>(given.size);
  given.items = std::move(items);
  inputs_.push_back(std::move(given));
}

py::object Job::Given::operator[](Py_ssize_t place) const {
  if (is_range) return py::reinterpret_steal<py::object>(PyLong_FromLongLong(start + place * step));
  return py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(items.ptr(), place));
}

void Job::fail_input(py::object exception) {
  input_error_ = std::move(exception);
  input_ended_ = true;
}

std::uint64_t Job::waiting_inputs() const { return given_ > fed_ ? given_ - fed_ : 0; }

bool Job::hungry() const {
  std::uint64_t wanted = std::max<std::uint64_t>(options_.chunksize, 1) * most_ahead_;
  if (appetite_.cuts_parcels && !heavy_)
    wanted = std::max(wanted, std::min(2 * sizer_.next(), options_.items_ahead));
  return !settled_ && waiting_inputs() < wanted &&
         ready_.size() + early_.size() + (fed_ - accounted_) < options_.items_ahead;
}

void Job::begin(std::uint64_t base, int workers, const pool::ParcelCrew::Appetite& appetite, Encoder& encoder,
                const Pickling& pickling, BufferStore* store) {
  base_ = base;
  workers_ = workers;
  appetite_ = appetite;
  longer_ = appetite.cuts_parcels ? appetite.parcel_ns / pool::ChunkSizer::kTarget_ns : kLonger;
  if (appetite.cuts_parcels) sizer_ = pool::ChunkSizer(0);
  encoder_ = &encoder;
  pickling_ = &pickling;
  store_ = store;
  most_ahead_ = appetite.cuts_parcels ? appetite.parcels : kFirstAhead * static_cast<std::size_t>(workers);
  make_results();
}

void Job::make_results() {
  if (options_.kind == Kind::kMap && !results_)
    results_ = py::reinterpret_steal<py::object>(PyList_New(static_cast<Py_ssize_t>(given_)));
  if (options_.kind == Kind::kMap && !results_) throw py::error_already_set();
}

std::uint64_t Job::open_session(Session::Options options, Pickling& pickling) {
  make_results();
  py::list inputs;
  if (!inputs_.empty())
    inputs = py::reinterpret_steal<py::list>(PySequence_List(inputs_.front().items.ptr()));
  session_ = std::make_unique<Session>(std::move(options), inputs, py::reinterpret_borrow<py::list>(results_),
                                       pickling);
  spans_ = session_->left();
  return session_->number();
}

// Inputs.

bool Job::has_input() const { return !inputs_.empty() || drawn_ || (iterator_ && !input_ended_); }

bool Job::has_input() {
  skip_what_is_there();
  if (!inputs_.empty() || drawn_) return true;
  if (!iterator_ || input_ended_) return false;
  drawn_ = py::reinterpret_steal<py::object>(PyIter_Next(iterator_.ptr()));
  if (drawn_) {
    ++given_;
    return true;
  }
  if (PyErr_Occurred())
    fail_input(exception_of(py::error_already_set()));
  else
    input_ended_ = true;
  return false;
}

// Inputs whose results a resume file had.
void Job::skip_what_is_there() {
  if (!session_ || inputs_.empty()) return;
  while (span_ < spans_.size() && fed_ >= spans_[span_].end) ++span_;
  const std::uint64_t next = span_ < spans_.size() ? spans_[span_].begin : given_;
  if (next <= fed_) return;
  accounted_ += next - fed_;
  fed_ = next;
  next_ = static_cast<Py_ssize_t>(next);
  if (next == given_) inputs_.clear();
}

py::object Job::next_input() {
  if (drawn_) return std::exchange(drawn_, py::object());
  const Given& first = inputs_.front();
  py::object item = first[next_];
  if (++next_ == first.size) {
    inputs_.pop_front();
    next_ = 0;
  }
  return item;
}

// Sending.

std::uint64_t Job::next_size() const {
  const std::uint64_t grain = std::max<std::uint64_t>(options_.chunksize, 1);
  if (heavy_ || (options_.chunksize && !appetite_.cuts_parcels)) return grain;
  std::uint64_t wanted = sizer_.next();
  if (iterator_)
    wanted = std::min<std::uint64_t>(wanted, options_.items_ahead / std::max<std::size_t>(most_ahead_, 1));
  else
    wanted = std::min<std::uint64_t>(wanted, waiting_inputs() / (2 * appetite_.parcels));
  return std::max<std::uint64_t>(wanted / grain, 1) * grain;
}

// Whether another chunk should be under way.
bool Job::has_room() const {
  if (under_way_ < (heavy_ ? 2 * static_cast<std::size_t>(workers_) : most_ahead_)) return true;
  return !heavy_ && fed_ - accounted_ < appetite_.units;
}

// Whether it is so many bytes that it ends here; a chunk of given size is never parted.
bool Job::is_full(const Chunk& chunk) const {
  if (!appetite_.cuts_parcels) return options_.chunksize == 0 && chunk.bytes.size() > kChunkBytes;
  const bool whole = options_.chunksize == 0 || chunk.starts.size() % options_.chunksize == 0;
  return whole && !chunk.starts.empty() && chunk.bytes.size() > kParcelBytes;
}

bool Job::feed(pool::ParcelCrew& crew) {
  if (feeding_ || settled_) return false;
  feeding_ = true;
  bool happened = false;
  const bool stream = options_.kind != Kind::kMap;
  const auto least = 2 * static_cast<std::size_t>(workers_);
  while (has_room() && has_input()) {
    const std::uint64_t most = heavy_ ? 4 * least : options_.items_ahead;
    if (stream && ready_.size() + early_.size() + (fed_ - accounted_) >= most) break;
    happened = send_chunk(crew) || happened;
  }
  feeding_ = false;
  return happened;
}

Job::Chunk* Job::fresh_chunk() {
  if (free_.empty()) free_.push_back(chunks_.emplace_back(std::make_unique<Chunk>(*this)).get());
  Chunk* const chunk = free_.back();
  free_.pop_back();
  chunk->bytes.clear();
  chunk->starts.clear();
  return chunk;
}

// The quick way for numbers and the like in a list, up to input END.
void Job::encode_simple_ones(Chunk& chunk, std::uint64_t end) {
  if (inputs_.empty() || drawn_) return;
  const Given& given = inputs_.front();
  if (given.is_range) {
    encode_while(chunk, end, [&] {
      Encoder::encode_whole(given.start + next_ * given.step, chunk.bytes);
      return true;
    });
  } else {
    PyObject** const all = PySequence_Fast_ITEMS(given.items.ptr());
    encode_while(chunk, end, [&] { return encoder_->encode_simple(all[next_], chunk.bytes); });
  }
  if (next_ < given.size) return;
  inputs_.pop_front();
  next_ = 0;
}

template <class Encode>
void Job::encode_while(Chunk& chunk, std::uint64_t end, Encode encode) {
  const Py_ssize_t size = inputs_.front().size;
  while (fed_ < end && next_ < size && !is_full(chunk)) {
    const std::size_t before = chunk.bytes.size();
    if (!encode()) return;
    chunk.starts.push_back(before);
    ++next_;
    ++fed_;
  }
}

// An input that cannot be encoded ends the chunk before it, and fails.
bool Job::send_chunk(pool::ParcelCrew& crew) {
  Chunk* const chunk = fresh_chunk();
  (void)has_input();  // skips
  const std::uint64_t first = fed_;
  std::uint64_t most = next_size();
  if (session_ && span_ < spans_.size()) most = std::min(most, spans_[span_].end - fed_);
  py::object refused;
  if (store_) store_->use(&chunk->places, options_.kind == Kind::kMap && given_ > 1 ? &sent_ : nullptr);
  for (;;) {
    encode_simple_ones(*chunk, first + most);
    if (fed_ - first >= most || !has_input()) break;
    const py::object item = next_input();
    const std::size_t before = chunk->bytes.size();
    chunk->starts.push_back(before);
    try {
      encoder_->encode(item.ptr(), chunk->bytes);
    } catch (py::error_already_set& error) {
      chunk->bytes.cut(before);
      chunk->starts.pop_back();
      refused = exception_of(error);
      break;
    }
    ++fed_;
    if (is_full(*chunk) || (options_.chunksize == 0 && !chunk->places.empty())) break;
  }
  if (store_) store_->use(nullptr, nullptr);
  heavy_ = heavy_ || !chunk->places.empty();
  const bool sends = fed_ > first;
  if (sends) {
    chunk->starts.push_back(chunk->bytes.size());
    chunk->begin = base_ + first;
    chunk->end = base_ + fed_;
    chunk->Parcel::job = options_.key;
    chunk->timeout_s = options_.timeout_s;
    chunk->retries = options_.retries;
    chunk->chunksize = options_.chunksize;
    ++under_way_;
    crew.submit(chunk);
  } else {
    if (store_) store_->release(chunk->places);
    free_.push_back(chunk);
  }
  if (refused) fail(fed_++, std::move(refused));
  return sends || refused;
}

void Job::chunk_done(Chunk* chunk, int worker, const pool::Parcel::Times& times) {
  const std::uint64_t units = chunk->end - chunk->begin;
  const auto took = times.ended_ns - times.began_ns;
  if (session_ && worker >= 0)
    session_->chunk_done(worker, {chunk->begin - base_, chunk->end - base_}, times.began_ns, times.ended_ns);
  if (took > 0) {
    sizer_.measured(units, static_cast<std::uint64_t>(took / longer_));
    chunk_ns_ =
        chunk_ns_ == 0 ? static_cast<double>(took) : chunk_ns_ * 0.9 + static_cast<double>(took) * 0.1;
    const auto wanted = static_cast<std::size_t>(kAhead_ns / std::max(chunk_ns_, 1.0));
    if (!appetite_.cuts_parcels)
      most_ahead_ = std::clamp(wanted, std::size_t{2}, kMostAhead) * static_cast<std::size_t>(workers_);
  }
  constexpr std::size_t kKept = 256 << 10;
  chunk->bytes.shrink(kKept);
  if (store_) store_->release(chunk->places);
  --under_way_;
  free_.push_back(chunk);
}

// Results.

void Job::store(std::uint64_t index, py::object value) {
  ++accounted_;
  if (settled_) return;
  if (options_.kind == Kind::kMap)
    put_into_list(results_.ptr(), index, value.release().ptr());
  else
    put(index, {std::move(value), false});
}

void Job::fail(std::uint64_t index, py::object exception, int worker, int attempts) {
  ++accounted_;
  ++failed_;
  if (settled_) return;
  if (session_) {
    const int told = attempts >= kNeverAgain ? 1 : attempts;
    session_->failed(index, told, py::cast<std::string>(py::str(py::type::of(exception).attr("__name__"))),
                     worker);
  }
  if (options_.collect && !options_.collect.is_none())
    return put(index, {options_.collect(index, exception), false});
  if (options_.kind != Kind::kMap) return put(index, {std::move(exception), true});
  if (!error_ || index < error_index_) {
    error_ = std::move(exception);
    error_index_ = index;
  }
}

void Job::put(std::uint64_t index, Item item) {
  switch (options_.kind) {
    case Kind::kMap:
      put_into_list(results_.ptr(), index, item.value.release().ptr());
      return;
    case Kind::kUnordered:
      ready_.push_back(std::move(item));
      return;
    case Kind::kOrdered:
      if (index != next_out_) {
        early_.emplace(index, std::move(item));
        return;
      }
      ready_.push_back(std::move(item));
      ++next_out_;
      for (auto next = early_.begin(); next != early_.end() && next->first == next_out_; ++next_out_) {
        ready_.push_back(std::move(next->second));
        next = early_.erase(next);
      }
  }
}

std::optional<Job::Item> Job::take() {
  if (ready_.empty()) return std::nullopt;
  Item item = std::move(ready_.front());
  ready_.pop_front();
  return item;
}

void Job::settle() {
  if (settled_) return;
  if (input_error_) {
    if (options_.kind == Kind::kMap)
      error_ = input_error_;
    else
      ready_.push_back({input_error_, true});
  }
  if (session_ && !quiet_) {
    try {
      session_->finish();
    } catch (py::error_already_set& problem) {
      error_ = exception_of(problem);
    } catch (const std::exception& problem) {
      error_ = py::module_::import("furrow._failures").attr("PoolError")(problem.what());
    }
  }
  session_.reset();
  if (error_) results_ = py::none();
  const py::object told = std::exchange(options_.on_settled, py::object());
  if (told && !told.is_none() && !quiet_) {
    try {
      told(error(), results_ ? results_ : py::none());
    } catch (py::error_already_set& problem) {
      problem.discard_as_unraisable("a callback of a furrow.Pool");
    }
  }
  settled_ = true;
}

void Job::cancel() {
  quiet_ = true;
  inputs_.clear();
  given_ = fed_;
  drawn_ = py::object();
  iterator_ = py::object();
  input_ended_ = true;
}

void Job::tick() {
  if (session_ && !settled_) session_->tick();
}

void Job::restarted(int worker) {
  if (session_ && !settled_) session_->restarted(worker);
}

void Job::let_go() {
  if (store_) store_->release(sent_.held);
  sent_ = {};
}

void Job::abandon(py::object error) {
  if (settled_) return;
  session_.reset();
  input_ended_ = true;
  inputs_.clear();
  drawn_ = py::object();
  iterator_ = py::object();
  error_ = error;
  if (options_.kind != Kind::kMap) ready_.push_back({std::move(error), true});
  results_ = py::none();
  options_.on_settled = py::object();
  settled_ = true;
}

}  // namespace furrow::python
