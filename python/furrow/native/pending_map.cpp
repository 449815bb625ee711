#include "native/pending_map.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "native/sent_chunk.hpp"

namespace furrow::python {

namespace {

constexpr std::size_t kFirstAhead = 4;  // chunks sent ahead for each worker, at the start
constexpr std::size_t kMostAhead = 200;
// How much work a worker should have ahead: of a map so much that it runs on while other processes have the cores; of
// a stream less, since inputs are drawn for it, and calls that have been sent can no longer be cancelled.
constexpr double kAhead_ns = 4'000'000;
constexpr double kStreamAhead_ns = 1'000'000;
constexpr std::int64_t kLonger = 4;             // a chunk takes this many times as long as the sizer aims for
constexpr std::size_t kChunkBytes = 128 << 10;  // a chunk without a given size ends at this many bytes
constexpr std::size_t kRankChunkBytes = 4 << 20;  // the same for a chunk that ranks split

// Takes over the reference to VALUE.
void put_into_list(PyObject* list, std::uint64_t index, PyObject* value) {
  PyObject*& position = reinterpret_cast<PyListObject*>(list)->ob_item[index];
  PyObject* const before = std::exchange(position, value);
  Py_XDECREF(before);
}

}  // namespace

PendingMap::PendingMap(Options options, py::object make_failure)
    : options_(std::move(options)), make_failure_(std::move(make_failure)), sizer_(options_.chunksize) {}

PendingMap::~PendingMap() = default;

void PendingMap::give(py::object items) {
  Given given;
  const auto small = [&](const char* name, std::int64_t& value) {
    int overflow = 0;
    value = PyLong_AsLongLongAndOverflow(py::object(items.attr(name)).ptr(), &overflow);
    return overflow == 0;
  };
  // If stop fits into 64 bits, counting up to it cannot overflow.
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

py::object PendingMap::Given::operator[](Py_ssize_t position) const {
  if (is_range) return py::reinterpret_steal<py::object>(PyLong_FromLongLong(start + position * step));
  return py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(items.ptr(), position));
}

void PendingMap::fail_input(py::object exception) {
  input_error_ = std::move(exception);
  input_ended_ = true;
}

std::uint64_t PendingMap::waiting_inputs() const { return given_ > dispatched_ ? given_ - dispatched_ : 0; }

bool PendingMap::wants_input() const {
  std::uint64_t wanted = std::max<std::uint64_t>(options_.chunksize, 1) * most_ahead_;
  if (flow_control_.splits_chunks && !heavy_)
    wanted = std::max(wanted, std::min(2 * sizer_.next(), options_.items_ahead));
  return !settled_ && waiting_inputs() < wanted &&
         ready_.size() + early_.size() + (dispatched_ - accounted_) < options_.items_ahead;
}

void PendingMap::begin(std::uint64_t base, int workers, const pool::ChunkWorkers::FlowControl& flow_control,
                       Encoder& encoder, const Pickling& pickling, BufferStore* store) {
  base_ = base;
  workers_ = workers;
  flow_control_ = flow_control;
  longer_ = flow_control.splits_chunks ? flow_control.chunk_ns / pool::ChunkSizer::kTarget_ns : kLonger;
  if (flow_control.splits_chunks) sizer_ = pool::ChunkSizer(0);
  encoder_ = &encoder;
  pickling_ = &pickling;
  store_ = store;
  most_ahead_ =
      flow_control.splits_chunks ? flow_control.chunks : kFirstAhead * static_cast<std::size_t>(workers);
  make_results();
  log_start();
}

// Not of a call, which is a map of one input: there may be very many.
void PendingMap::log_start() const {
  if (given_ == 1 && !iterator_) return;
  FURROW_LOG(pool, info, "map {} starts: {} inputs{}, {} workers, {}, retries {}, timeout {} s",
             base_ >> kIndexBits, given_, iterator_ ? " and an iterator" : "", workers_,
             options_.chunksize ? "chunksize " + std::to_string(options_.chunksize)
                                : std::string("chunks size themselves"),
             options_.retries, options_.timeout_s);
}

void PendingMap::make_results() {
  if (options_.kind == Kind::kMap && !results_)
    results_ = py::reinterpret_steal<py::object>(PyList_New(static_cast<Py_ssize_t>(given_)));
  if (options_.kind == Kind::kMap && !results_) throw py::error_already_set();
}

std::uint64_t PendingMap::open_session(Session::Options options, Pickling& pickling) {
  make_results();
  py::list inputs;
  if (!inputs_.empty())
    inputs = py::reinterpret_steal<py::list>(PySequence_List(inputs_.front().items.ptr()));
  session_ = std::make_unique<Session>(std::move(options), inputs, py::reinterpret_borrow<py::list>(results_),
                                       pickling);
  ranges_ = session_->left();
  return session_->number();
}

bool PendingMap::has_input() const { return !inputs_.empty() || drawn_ || (iterator_ && !input_ended_); }

bool PendingMap::has_input() {
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
  else if (options_.kind != Kind::kCalls)
    input_ended_ = true;
  return false;
}

// Skips inputs whose results came from a resume file.
void PendingMap::skip_what_is_there() {
  if (!session_ || inputs_.empty()) return;
  while (next_range_ < ranges_.size() && dispatched_ >= ranges_[next_range_].end) ++next_range_;
  const std::uint64_t next = next_range_ < ranges_.size() ? ranges_[next_range_].begin : given_;
  if (next <= dispatched_) return;
  accounted_ += next - dispatched_;
  resumed_ += next - dispatched_;
  dispatched_ = next;
  next_ = static_cast<Py_ssize_t>(next);
  if (next == given_) inputs_.clear();
}

py::object PendingMap::next_input() {
  if (drawn_) return std::exchange(drawn_, py::object());
  const Given& first = inputs_.front();
  py::object item = first[next_];
  if (++next_ == first.size) {
    inputs_.pop_front();
    next_ = 0;
  }
  return item;
}

std::uint64_t PendingMap::next_size() const {
  const std::uint64_t grain = std::max<std::uint64_t>(options_.chunksize, 1);
  if (heavy_ || (options_.chunksize && !flow_control_.splits_chunks)) return grain;
  std::uint64_t wanted = sizer_.next();
  if (iterator_)
    wanted = std::min<std::uint64_t>(wanted, options_.items_ahead / std::max<std::size_t>(most_ahead_, 1));
  else
    wanted = std::min<std::uint64_t>(wanted, waiting_inputs() / (2 * flow_control_.chunks));
  return std::max<std::uint64_t>(wanted / grain, 1) * grain;
}

// Whether another chunk should be sent.
bool PendingMap::has_room() const {
  if (in_flight_ < (heavy_ ? 2 * static_cast<std::size_t>(workers_) : most_ahead_)) return true;
  return !heavy_ && dispatched_ - accounted_ < flow_control_.indices;
}

// Whether the chunk has so many bytes that it ends here. A chunk of a given size is never split.
bool PendingMap::is_full(const SentChunk& chunk) const {
  if (!flow_control_.splits_chunks) return options_.chunksize == 0 && chunk.bytes.size() > kChunkBytes;
  const bool whole = options_.chunksize == 0 || chunk.encoded % options_.chunksize == 0;
  return whole && chunk.encoded != 0 && chunk.bytes.size() > kRankChunkBytes;
}

bool PendingMap::dispatch(pool::ChunkWorkers& workers) {
  if (dispatching_ || settled_) return false;
  dispatching_ = true;
  bool happened = false;
  const bool stream = options_.kind != Kind::kMap;
  const auto least = 2 * static_cast<std::size_t>(workers_);
  while (has_room() && has_input()) {
    const std::uint64_t most = heavy_ ? 4 * least : options_.items_ahead;
    if (stream && ready_.size() + early_.size() + (dispatched_ - accounted_) >= most) break;
    happened = send_chunk(workers) || happened;
  }
  dispatching_ = false;
  return happened;
}

PendingMap::SentChunk* PendingMap::fresh_chunk() {
  if (free_.empty()) free_.push_back(chunks_.emplace_back(std::make_unique<SentChunk>(*this)).get());
  SentChunk* const chunk = free_.back();
  free_.pop_back();
  chunk->clear();
  return chunk;
}

// The fast path for numbers and the like in a list: encodes inputs up to END.
void PendingMap::encode_simple_ones(SentChunk& chunk, std::uint64_t end) {
  if (inputs_.empty() || drawn_) return;
  const Given& given = inputs_.front();
  if (given.is_range)
    encode_range(chunk, end);
  else
    encode_list(chunk, end);
  if (next_ < given.size) return;
  inputs_.pop_front();
  next_ = 0;
}

void PendingMap::encode_range(SentChunk& chunk, std::uint64_t end) {
  const Given& given = inputs_.front();
  while (dispatched_ < end && next_ < given.size && !is_full(chunk)) {
    write_whole(given.start + next_ * given.step, chunk.bytes.grow(kScalar));
    ++chunk.encoded;
    ++next_;
    ++dispatched_;
  }
}

void PendingMap::encode_list(SentChunk& chunk, std::uint64_t end) {
  const Given& given = inputs_.front();
  PyObject** const all = PySequence_Fast_ITEMS(given.items.ptr());
  while (dispatched_ < end && next_ < given.size && !is_full(chunk) &&
         encoder_->encode_simple(all[next_], chunk.bytes)) {
    ++chunk.encoded;
    ++next_;
    ++dispatched_;
  }
}

// An input that cannot be encoded fails, and ends the chunk before it.
bool PendingMap::send_chunk(pool::ChunkWorkers& workers) {
  SentChunk* const chunk = fresh_chunk();
  (void)has_input();  // skips inputs whose results are known
  const std::uint64_t first = dispatched_;
  std::uint64_t most = next_size();
  if (session_ && next_range_ < ranges_.size()) most = std::min(most, ranges_[next_range_].end - dispatched_);
  py::object refused;
  if (store_) store_->use(&chunk->offsets, options_.kind == Kind::kMap && given_ > 1 ? &sent_ : nullptr);
  for (;;) {
    encode_simple_ones(*chunk, first + most);
    if (dispatched_ - first >= most || !has_input()) break;
    const py::object item = next_input();
    const std::size_t before = chunk->bytes.size();
    try {
      encoder_->encode(item.ptr(), chunk->bytes);
    } catch (py::error_already_set& error) {
      chunk->bytes.cut(before);
      refused = exception_of(error);
      break;
    }
    ++chunk->encoded;
    ++dispatched_;
    if (is_full(*chunk) || (options_.chunksize == 0 && !chunk->offsets.empty())) break;
  }
  if (store_) store_->use(nullptr, nullptr);
  heavy_ = heavy_ || !chunk->offsets.empty();
  const bool sends = dispatched_ > first;
  if (sends) {
    chunk->begin = base_ + first;
    chunk->end = base_ + dispatched_;
    chunk->Chunk::map = options_.key;
    chunk->timeout_s = options_.timeout_s;
    chunk->retries = options_.retries;
    chunk->chunksize = options_.chunksize;
    ++in_flight_;
    workers.submit(chunk);
  } else {
    if (store_) store_->release(chunk->offsets);
    free_.push_back(chunk);
  }
  if (refused) fail(dispatched_++, std::move(refused));
  return sends || refused;
}

void PendingMap::chunk_done(SentChunk* chunk, int worker, const pool::Chunk::Times& times) {
  const std::uint64_t indices = chunk->end - chunk->begin;
  const auto took = times.ended_ns - times.began_ns;
  if (session_ && worker >= 0)
    session_->chunk_done(worker, {chunk->begin - base_, chunk->end - base_}, times.began_ns, times.ended_ns);
  if (took > 0) {
    sizer_.measured(indices, static_cast<std::uint64_t>(took / longer_));
    chunk_ns_ =
        chunk_ns_ == 0 ? static_cast<double>(took) : chunk_ns_ * 0.9 + static_cast<double>(took) * 0.1;
    const double ahead_ns = options_.kind == Kind::kMap ? kAhead_ns : kStreamAhead_ns;
    const auto wanted = static_cast<std::size_t>(ahead_ns / std::max(chunk_ns_, 1.0));
    if (!flow_control_.splits_chunks)
      most_ahead_ = std::clamp(wanted, std::size_t{2}, kMostAhead) * static_cast<std::size_t>(workers_);
  }
  constexpr std::size_t kKept = 256 << 10;
  chunk->bytes.shrink(kKept);
  if (store_) store_->release(chunk->offsets);
  --in_flight_;
  free_.push_back(chunk);
}

void PendingMap::store(std::uint64_t index, py::object value) {
  ++accounted_;
  if (settled_) return;
  if (options_.kind == Kind::kMap)
    put_into_list(results_.ptr(), index, value.release().ptr());
  else
    put(index, {std::move(value), false});
}

// The fast path of store(), for whole numbers of a map. Returns the index of the first other result.
std::uint64_t PendingMap::store_wholes(std::uint64_t index, std::uint64_t end, const char*& at,
                                       const char* end_at) {
  if (options_.kind != Kind::kMap || settled_) return index;
  PyObject** const results = reinterpret_cast<PyListObject*>(results_.ptr())->ob_item;
  while (index < end && !results[index]) {
    PyObject* const made = decode_whole(at, end_at);
    if (!made) break;
    results[index++] = made;
    ++accounted_;
  }
  return index;
}

void PendingMap::fail(std::uint64_t index, py::object exception, int worker, int attempts) {
  ++accounted_;
  ++failed_;
  if (settled_) return;
  if (session_) {
    const int reported = attempts >= kNeverAgain ? 1 : attempts;
    session_->failed(index, reported,
                     py::cast<std::string>(py::str(py::type::of(exception).attr("__name__"))), worker);
  }
  if (options_.collect && !options_.collect.is_none())
    return put(index, {options_.collect(index, exception), false});
  if (options_.kind != Kind::kMap) return put(index, {std::move(exception), true});
  if (!error_ || index < error_index_) {
    error_ = std::move(exception);
    error_index_ = index;
  }
}

void PendingMap::put(std::uint64_t index, Item item) {
  switch (options_.kind) {
    case Kind::kMap:
      put_into_list(results_.ptr(), index, item.value.release().ptr());
      return;
    case Kind::kUnordered:
    case Kind::kCalls:
      item.index = index;
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

std::optional<PendingMap::Item> PendingMap::take() {
  if (ready_.empty()) return std::nullopt;
  Item item = std::move(ready_.front());
  ready_.pop_front();
  return item;
}

void PendingMap::settle() {
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
  if (given_ > 1)
    FURROW_LOG(pool, info, "map {} ends: {} of {} inputs done, {} failed, {} indices in a chunk at last",
               base_ >> kIndexBits, accounted_, given_, failed_, sizer_.next());
  if (error_) results_ = py::none();
  const py::object on_settled = std::exchange(options_.on_settled, py::object());
  if (on_settled && !on_settled.is_none() && !quiet_) {
    try {
      on_settled(error(), results_ ? results_ : py::none());
    } catch (py::error_already_set& problem) {
      problem.discard_as_unraisable("a callback of a furrow.Pool");
    }
    // The exception's traceback will lead to this map, and Python's collector cannot see that this map leads back.
    error_ = input_error_ = py::object();
  }
  settled_ = true;
}

void PendingMap::cancel() {
  end_counts();
  quiet_ = true;
  drop_inputs();
}

void PendingMap::drop_inputs() {
  dropped_ = dropped_ || std::as_const(*this).has_input();
  inputs_.clear();
  next_ = 0;
  given_ = dispatched_;
  drawn_ = py::object();
  iterator_ = py::object();
  input_ended_ = true;
}

void PendingMap::tick() {
  if (session_ && !settled_) session_->tick();
}

void PendingMap::restarted(int worker) {
  if (session_ && !settled_) session_->restarted(worker);
}

void PendingMap::let_go() {
  if (store_) store_->release(sent_.held);
  sent_ = {};
}

void PendingMap::abandon(py::object error) {
  if (settled_) return;
  end_counts();
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
