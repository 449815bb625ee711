#include "native/job.hpp"

#include <algorithm>

namespace furrow::python {

namespace {

constexpr std::size_t kFirstAhead = 4;  // chunks of each worker
constexpr std::size_t kMostAhead = 200;
constexpr double kAhead_ns = 1'000'000;         // what a worker should have before it
constexpr std::size_t kChunkBytes = 128 << 10;  // a chunk of unknown size ends here

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
    const auto size = static_cast<std::uint64_t>(last - first);
    body.write(&size, sizeof size);
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
  void failed(Failure failure, std::uint64_t, int) override {
    const py::gil_scoped_acquire gil;
    py::object exception;
    try {
      exception = job.make_failure_(static_cast<int>(failure.kind), failure.index, py::bytes(failure.message),
                                    failure.signal, failure.exit_status, timeout_s);
    } catch (py::error_already_set& error) {
      exception = exception_of(error);
    }
    job.fail(failure.index, std::move(exception));
  }
  void done(int worker, const Times& times) override {
    const py::gil_scoped_acquire gil;
    job.chunk_done(this, worker, times);
  }
  std::uint64_t index_of(std::uint64_t unit) const override { return unit - job.base_; }

  Job& job;
  Buffer bytes{};
  std::vector<std::size_t> starts{};  // of each unit's bytes, and their end
};

Job::Job(Options options, py::object make_failure)
    : options_(std::move(options)), make_failure_(std::move(make_failure)), sizer_(options_.chunksize) {}

Job::~Job() = default;

void Job::give(py::object items) {
  const Py_ssize_t size = PySequence_Fast_GET_SIZE(items.ptr());
  if (size == 0) return;
  given_ += static_cast<std::uint64_t>(size);
  inputs_.push_back(std::move(items));
}

void Job::fail_input(py::object exception) {
  input_error_ = std::move(exception);
  input_ended_ = true;
}

std::uint64_t Job::waiting_inputs() const { return given_ > fed_ ? given_ - fed_ : 0; }

bool Job::hungry() const {
  const std::uint64_t chunk = std::max<std::uint64_t>(options_.chunksize, 1);
  return !settled_ && waiting_inputs() < chunk * most_ahead_ &&
         ready_.size() + early_.size() + (fed_ - accounted_) < options_.items_ahead;
}

void Job::begin(std::uint64_t base, int workers, Encoder& encoder, const Pickling& pickling,
                BufferStore* store) {
  base_ = base;
  workers_ = workers;
  encoder_ = &encoder;
  pickling_ = &pickling;
  store_ = store;
  most_ahead_ = kFirstAhead * static_cast<std::size_t>(workers);
  if (options_.kind == Kind::kMap)
    results_ = py::reinterpret_steal<py::object>(PyList_New(static_cast<Py_ssize_t>(given_)));
}

// Inputs.

bool Job::has_input() const { return !inputs_.empty() || drawn_ || (iterator_ && !input_ended_); }

bool Job::has_input() {
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

py::object Job::next_input() {
  if (drawn_) return std::exchange(drawn_, py::object());
  PyObject* const first = inputs_.front().ptr();
  auto item = py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(first, next_));
  if (++next_ == PySequence_Fast_GET_SIZE(first)) {
    inputs_.pop_front();
    next_ = 0;
  }
  return item;
}

// Sending.

std::uint64_t Job::next_size() const {
  if (options_.chunksize) return options_.chunksize;
  const std::uint64_t fair = waiting_inputs() / (4 * static_cast<std::uint64_t>(workers_));
  return std::max<std::uint64_t>(std::min(sizer_.next(), fair), 1);
}

bool Job::feed(pool::MessageCrew& crew) {
  if (feeding_ || settled_) return false;
  feeding_ = true;
  bool happened = false;
  const bool stream = options_.kind != Kind::kMap;
  while (under_way_ < most_ahead_ && has_input()) {
    if (stream && ready_.size() + early_.size() + (fed_ - accounted_) >= options_.items_ahead) break;
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

// An input that cannot be encoded ends the chunk before it, and fails.
bool Job::send_chunk(pool::MessageCrew& crew) {
  Chunk* const chunk = fresh_chunk();
  const std::uint64_t first = fed_, most = next_size();
  py::object refused;
  while (fed_ - first < most && has_input()) {
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
    if (options_.chunksize == 0 && chunk->bytes.size() > kChunkBytes) break;
  }
  const bool sends = fed_ > first;
  if (sends) {
    chunk->starts.push_back(chunk->bytes.size());
    chunk->begin = base_ + first;
    chunk->end = base_ + fed_;
    chunk->Parcel::job = options_.key;
    chunk->timeout_s = options_.timeout_s;
    chunk->retries = options_.retries;
    ++under_way_;
    crew.submit(chunk);
  } else {
    free_.push_back(chunk);
  }
  if (refused) fail(fed_++, std::move(refused));
  return sends || refused;
}

void Job::chunk_done(Chunk* chunk, int worker, const pool::Parcel::Times& times) {
  const std::uint64_t units = chunk->end - chunk->begin;
  const auto took = times.ended_ns - times.began_ns;
  (void)worker;
  if (took > 0) {
    sizer_.measured(units, static_cast<std::uint64_t>(took));
    chunk_ns_ =
        chunk_ns_ == 0 ? static_cast<double>(took) : chunk_ns_ * 0.9 + static_cast<double>(took) * 0.1;
    const auto wanted = static_cast<std::size_t>(kAhead_ns / std::max(chunk_ns_, 1.0));
    most_ahead_ = std::clamp(wanted, std::size_t{2}, kMostAhead) * static_cast<std::size_t>(workers_);
  }
  constexpr std::size_t kKept = 256 << 10;
  chunk->bytes.shrink(kKept);
  --under_way_;
  free_.push_back(chunk);
}

// Results.

void Job::store(std::uint64_t index, py::object value) {
  ++accounted_;
  if (!settled_) put(index, {std::move(value), false});
}

void Job::fail(std::uint64_t index, py::object exception) {
  ++accounted_;
  ++failed_;
  if (settled_) return;
  if (options_.collect) return put(index, {std::move(exception), false});
  if (options_.kind != Kind::kMap) return put(index, {std::move(exception), true});
  if (!error_ || index < error_index_) {
    error_ = std::move(exception);
    error_index_ = index;
  }
}

void Job::put(std::uint64_t index, Item item) {
  switch (options_.kind) {
    case Kind::kMap:
      PyList_SET_ITEM(results_.ptr(), static_cast<Py_ssize_t>(index), item.value.release().ptr());
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

void Job::abandon(py::object error) {
  if (settled_) return;
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
