#include "native/worker.hpp"

#include <pthread.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "native/result_block.hpp"
#include "pool/messages/message_workers.hpp"

namespace furrow::python {

namespace {

std::string bytes_of(const py::object& bytes) {
  return std::string(PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr())));
}

class BufferWriter : public Writer {
 public:
  explicit BufferWriter(Buffer& to) : to_(to) {}
  void write(const void* data, std::size_t size) override { to_.append(data, size); }

 private:
  Buffer& to_;
};

// The running task, for furrow.task_rng().
struct Scope {
  bool active = false;
  std::uint64_t seed = 0, number = 0, index = 0;
  std::uint64_t serial = 0;  // counts the attempts in this process
};
Scope current;

const pool::WorkerContext* running = nullptr;  // the worker's, while it runs tasks

pid_t worker_pid = 0;  // of this process, if it is a worker

// Whether this process is a copy of a worker, made by a task. It shares the worker's memory, so a task that returns in
// it must not be reported.
bool is_copy = false;

void begin_worker() {
  static const int watched = ::pthread_atfork(nullptr, nullptr, [] { is_copy = true; });
  static_cast<void>(watched);
  is_copy = false;
  running = nullptr;
  worker_pid = ::getpid();
}

// The most frequent results, without a copy.
bool put_scalar(PyObject* value, std::uint64_t index, ResultBlock& results) {
  if (!PyLong_CheckExact(value) && !PyFloat_CheckExact(value) && value != Py_None && !PyBool_Check(value))
    return false;
  const std::size_t size = write_scalar(value, results.room(index, kScalar));
  if (size == 0) return false;
  results.took(size);
  return true;
}

}  // namespace

py::object Worker::scope() {
  if (!current.active) return py::none();
  return py::make_tuple(current.serial, current.seed, current.number, current.index);
}

// A worker whose task has asked gets some time to end it.
bool Worker::stop_requested() {
  if (!running || is_copy) return false;
  running->slot.asked.store(running->slot.published.load(), std::memory_order_relaxed);
  return running->host.should_end();
}

bool Worker::is_here() { return worker_pid == ::getpid(); }

void Worker::prepare(int worker) {
  begin_worker();
  PyOS_AfterFork_Child();
  try {
    hooks_.attr("forked")();
    flush_ = hooks_.attr("flush");
    finish_ = hooks_.attr("finish");
    dump_failure_ = hooks_.attr("dump_failure");
    hard_dumps_ = hooks_.attr("dump_hard");
    exit_status_ = hooks_.attr("exit_status");
    together_ = hooks_.attr("run_together");
    seed_task_ = hooks_.attr("seed_task");
    pickling_.dumps = hooks_.attr("dumps");
    pickling_.loads = hooks_.attr("loads");
    if (store_) store_->enter(worker);
    encoder_ = std::make_unique<Encoder>(pickling_, store_);
    if (store_) store_->use(&offsets_, nullptr);
    begin_(worker);
  } catch (py::error_already_set& error) {
    const py::object exception = exception_of(error);
    if (error.matches(PyExc_SystemExit)) exit_process(exit_status_(exception).cast<int>());
    const auto problem = hooks_.attr("describe")(exception).cast<std::string>();
    if (finish_) end();  // what the initializer has put into a queue, such as a log record, is sent
    throw std::runtime_error(problem);
  }
}

void Worker::idle() {
  try {
    flush_();
  } catch (py::error_already_set&) {
  }
  released_ = PyEval_SaveThread();
}

bool Worker::still_idle() { return !store_ || store_->trim(); }

void Worker::end() {
  if (released_) PyEval_RestoreThread(std::exchange(released_, nullptr));
  try {
    finish_();
  } catch (py::error_already_set&) {
  }
}

void Worker::exit_process(int status) {
  end();
  ::_exit(status);
}

void Worker::end_copy(const py::object& outcome) {
  hooks_.attr("end_copy")(outcome);
  ::_exit(1);
}

void Worker::read_all(Reader& body, Buffer& to) {
  std::uint64_t size = 0;
  body.read(&size, sizeof size);
  to.clear();
  body.read(to.grow(size), size);
}

void Worker::handle(const pool::MessageHead& head, bool map, pool::ValueReader& body,
                    const pool::WorkerContext& context) {
  if (released_) PyEval_RestoreThread(std::exchange(released_, nullptr));
  const SentMap& of = map ? learn(head.map, body) : known(head.map);
  values_.clear();
  BufferWriter values(values_);
  body.copy_rest(values);
  tried_index_ = head.begin;
  tried_attempts_ = static_cast<int>(head.attempts);
  running = &context;
  run(of, head, context);
  running = nullptr;
  constexpr std::size_t kKept = std::size_t{1} << 20;
  values_.shrink(kKept);
  result_.shrink(kKept);
}

const Worker::SentMap& Worker::learn(std::uint64_t id, Reader& body) {
  read_all(body, spec_);
  SentMap map;
  map.id = id;
  try {
    const py::tuple spec =
        hooks_.attr("learn")(py::bytes(spec_.data(), static_cast<py::ssize_t>(spec_.size())));
    map.function = spec[0];
    map.calling = static_cast<Calling>(spec[1].cast<int>());
    map.retries = spec[2].cast<int>();
    map.seed = spec[3].cast<std::uint64_t>();
    map.number = spec[4].cast<std::uint64_t>();
    map.together = spec[5];
    map.seeded = spec[6].cast<bool>();
  } catch (py::error_already_set& error) {
    map.failure = dump_failure_(exception_of(error));
  }
  if (maps_.size() == 2 * pool::MessageWorkers::kMaps) maps_.pop_front();
  return maps_.emplace_back(std::move(map));
}

const Worker::SentMap& Worker::known(std::uint64_t id) const {
  for (auto each = maps_.rbegin(); each != maps_.rend(); ++each)
    if (each->id == id) return *each;
  throw std::logic_error("the worker does not know this map");
}

void Worker::run(const SentMap& map, const pool::MessageHead& head, const pool::WorkerContext& context) {
  ResultBlock results(context, head.end - head.begin);
  if (map.failure) {
    Failure failure;
    failure.message = bytes_of(map.failure);
    failure.attempts = kNeverAgain;
    for (std::uint64_t index = head.begin; index < head.end; ++index) results.fail(index, failure);
    return;
  }
  restore_worker_seed(map);
  const bool numbered = map.number == kOwnNumber;
  current = {true, map.seed, numbered ? kCallNumbers + (head.begin >> kIndexBits) : map.number, 0,
             current.serial};
  if (!map.together.is_none()) {
    run_together(map, head, results, context);
    results.commit();
    return;
  }
  const char* at = values_.data();
  const char* const end = at + values_.size();
  for (std::uint64_t index = head.begin; index < head.end; ++index) {
    context.slot.published.publish(index);
    current.index = index_in_map(index);
    py::object argument;
    try {
      argument = py::reinterpret_steal<py::object>(decode_whole(at, end));
      if (!argument) argument = decode(at, end, pickling_, store_);
    } catch (py::error_already_set& error) {
      Failure failure;
      failure.message = dumped(exception_of(error));
      failure.attempts = kNeverAgain;
      results.fail(index, failure);
      continue;
    }
    while (!run_one(map, index, argument, results, context)) {
    }
  }
  results.commit();
}

// The global generators: a map with a seed has them seeded for each task; any other map then finds the worker's
// own numbers again.
void Worker::restore_worker_seed(const SentMap& next) {
  if (std::exchange(seeded_, next.seeded) && !next.seeded) hooks_.attr("seed_worker")();
}

// False if the task is to be tried again.
bool Worker::run_one(const SentMap& map, std::uint64_t index, const py::object& argument,
                     ResultBlock& results, const pool::WorkerContext& context) {
  py::object exception;
  ++current.serial;
  try {
    if (map.seeded) seed_task_(current.seed, current.number, current.index);
    const py::object result = call(map, argument);
    if (is_copy) end_copy(result);
    if (put_scalar(result.ptr(), index, results)) return true;
    exception = encode_result(result);
    if (!exception) {
      results.put(index, result_);
      return true;
    }
  } catch (py::error_already_set& error) {
    exception = exception_of(error);
    if (is_copy) end_copy(exception);
    if (error.matches(PyExc_SystemExit)) {
      results.commit();
      exit_process(exit_status_(exception).cast<int>());
    }
  }
  Failure failure;
  failure.attempts = (tried_index_ == index ? tried_attempts_ : 0) + 1;
  tried_index_ = index;
  tried_attempts_ = failure.attempts;
  context.slot.attempts.store(static_cast<std::uint32_t>(failure.attempts), std::memory_order_relaxed);
  context.slot.failed_item.store(index, std::memory_order_relaxed);
  if (failure.attempts <= map.retries) return false;
  failure.message = dumped(exception);
  results.fail(index, failure);
  return true;
}

std::string Worker::dumped(const py::object& exception) { return bytes_of(dump_failure_(exception)); }

py::object Worker::call(const SentMap& map, const py::object& argument) {
  PyObject* result = nullptr;
  switch (map.calling) {
    case Calling::kItem: {
      PyObject* const arguments[] = {nullptr, argument.ptr()};
      result =
          PyObject_Vectorcall(map.function.ptr(), arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
      break;
    }
    case Calling::kStar: {
      if (PyTuple_CheckExact(argument.ptr())) {
        result = PyObject_Call(map.function.ptr(), argument.ptr(), nullptr);
        break;
      }
      const auto tuple = py::reinterpret_steal<py::object>(PySequence_Tuple(argument.ptr()));
      if (tuple) result = PyObject_Call(map.function.ptr(), tuple.ptr(), nullptr);
      break;
    }
    case Calling::kWhole: {
      const auto parts = py::reinterpret_borrow<py::tuple>(argument);
      const py::object positional = parts[0], named = parts[1];
      result = PyObject_Call(map.function.ptr(), positional.ptr(), named.ptr());
      break;
    }
  }
  if (!result) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

// Encodes RESULT into result_. Returns a null object, or the exception to raise if it cannot be pickled.
py::object Worker::encode_result(const py::object& result) {
  result_.clear();
  offsets_.clear();
  try {
    encoder_->encode(result.ptr(), result_);
    return {};
  } catch (py::error_already_set& error) {
    result_.clear();
    if (store_) store_->release(offsets_);
    const py::tuple made = hard_dumps_(result, exception_of(error));  // (pickle, exception), one of them None
    if (made[0].is_none()) return made[1];
    const py::object pickle = made[0];
    const auto size = static_cast<std::size_t>(PyBytes_GET_SIZE(pickle.ptr()));
    result_.byte('p');
    result_.number(static_cast<std::uint64_t>(size));
    result_.append(PyBytes_AS_STRING(pickle.ptr()), size);
    return {};
  }
}

// Runs all coroutines of a chunk at once, on one event loop. The index of the one that runs is published.
void Worker::run_together(const SentMap& map, const pool::MessageHead& head, ResultBlock& results,
                          const pool::WorkerContext& context) {
  const char* at = values_.data();
  const char* const end = at + values_.size();
  py::list values;
  for (std::uint64_t index = head.begin; index < head.end; ++index) {
    try {
      values.append(py::make_tuple(index_in_map(index), true, decode(at, end, pickling_, store_)));
    } catch (py::error_already_set& error) {
      values.append(py::make_tuple(index_in_map(index), false, exception_of(error)));
    }
  }
  const std::uint64_t base = head.begin - index_in_map(head.begin);
  const py::cpp_function publish(
      [&context, base](std::uint64_t index) { context.slot.published.publish(base + index); });
  const py::list outcomes =
      together_(map.function, static_cast<int>(map.calling), values, map.together, current.number, publish);
  if (is_copy) end_copy(outcomes);
  for (std::uint64_t index = head.begin; index < head.end; ++index) {
    const py::tuple each = outcomes[static_cast<std::size_t>(index - head.begin)];
    py::object exception = each[1];
    if (each[0].cast<bool>()) exception = encode_result(each[1]);
    if (!exception) {
      results.put(index, result_);
      continue;
    }
    Failure failure;
    failure.message = dumped(exception);
    failure.attempts = kNeverAgain;
    results.fail(index, failure);
  }
}

}  // namespace furrow::python
