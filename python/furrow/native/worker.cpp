#include "native/worker.hpp"

#include <unistd.h>

#include <stdexcept>

#include "native/result_block.hpp"
#include "pool/messages/message_crew.hpp"

namespace furrow::python {

namespace {

// A string that carries a pickle.
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

// Where this process is; a task asks for it.
struct Scope {
  bool active = false;
  std::uint64_t seed = 0, number = 0, index = 0;
  std::uint64_t serial = 0;  // of the task, counting each attempt
};
Scope current;

}  // namespace

py::object Worker::scope() {
  if (!current.active) return py::none();
  return py::make_tuple(current.serial, current.seed, current.number, current.index);
}

void Worker::prepare(int worker) {
  PyOS_AfterFork_Child();
  try {
    hooks_.attr("forked")();
    flush_ = hooks_.attr("flush");
    finish_ = hooks_.attr("finish");
    dump_failure_ = hooks_.attr("dump_failure");
    hard_dumps_ = hooks_.attr("dump_hard");
    exit_status_ = hooks_.attr("exit_status");
    together_ = hooks_.attr("run_together");
    pickling_.dumps = hooks_.attr("dumps");
    pickling_.loads = hooks_.attr("loads");
    if (store_) store_->enter(worker);
    encoder_ = std::make_unique<Encoder>(pickling_, store_);
    if (store_) store_->use(&places_, nullptr);
    begin_(worker);
  } catch (py::error_already_set& error) {
    const py::object exception = exception_of(error);
    if (error.matches(PyExc_SystemExit)) leave(exit_status_(exception).cast<int>());
    throw std::runtime_error(hooks_.attr("describe")(exception).cast<std::string>());
  }
}

void Worker::idle() {
  try {
    flush_();
  } catch (py::error_already_set&) {
  }
  released_ = PyEval_SaveThread();
}

void Worker::end() {
  if (released_) PyEval_RestoreThread(std::exchange(released_, nullptr));
  try {
    finish_();
  } catch (py::error_already_set&) {
  }
}

void Worker::leave(int status) {
  end();
  ::_exit(status);
}

void Worker::read_all(Reader& body, Buffer& to) {
  std::uint64_t size = 0;
  body.read(&size, sizeof size);
  to.clear();
  body.read(to.grow(size), size);
}

void Worker::handle(const pool::MessageHead& head, bool job, Reader& body, const pool::WorkerDesk& desk) {
  if (released_) PyEval_RestoreThread(std::exchange(released_, nullptr));
  const Job& of = job ? learn(head.job, body) : known(head.job);
  values_.clear();
  BufferWriter values(values_);
  static_cast<pool::PartsReader&>(body).copy_rest(values);  // a crew gives nothing else
  tried_unit_ = head.begin;
  tried_attempts_ = static_cast<int>(head.attempts);
  run(of, head, desk);
  constexpr std::size_t kKept = std::size_t{1} << 20;
  values_.shrink(kKept);
  result_.shrink(kKept);
}

const Worker::Job& Worker::learn(std::uint64_t id, Reader& body) {
  read_all(body, spec_);
  Job job;
  job.id = id;
  try {
    const py::tuple spec =
        hooks_.attr("learn")(py::bytes(spec_.data(), static_cast<py::ssize_t>(spec_.size())));
    job.function = spec[0];
    job.calling = static_cast<Calling>(spec[1].cast<int>());
    job.retries = spec[2].cast<int>();
    job.seed = spec[3].cast<std::uint64_t>();
    job.number = spec[4].cast<std::uint64_t>();
    job.together = spec[5];
  } catch (py::error_already_set& error) {
    job.failure = dump_failure_(exception_of(error));
  }
  if (jobs_.size() == 2 * pool::MessageCrew::kJobs) jobs_.pop_front();
  return jobs_.emplace_back(std::move(job));
}

const Worker::Job& Worker::known(std::uint64_t id) const {
  for (auto each = jobs_.rbegin(); each != jobs_.rend(); ++each)
    if (each->id == id) return *each;
  throw std::logic_error("the worker does not know this job");
}

void Worker::run(const Job& job, const pool::MessageHead& head, const pool::WorkerDesk& desk) {
  ResultBlock results(desk, head.end - head.begin);
  if (job.failure) {
    Failure failure;
    failure.message = bytes_of(job.failure);
    failure.attempts = kNeverAgain;
    for (std::uint64_t unit = head.begin; unit < head.end; ++unit) results.fail(unit, failure);
    return;
  }
  const bool numbered = job.number == kOwnNumber;
  current = {true, job.seed, numbered ? kCallNumbers + (head.begin >> kUnitBits) : job.number, 0,
             current.serial};
  if (!job.together.is_none()) {
    run_together(job, head, results, desk);
    results.commit();
    return;
  }
  const char* at = values_.data();
  const char* const end = at + values_.size();
  for (std::uint64_t unit = head.begin; unit < head.end; ++unit) {
    desk.slot.published.store(unit, std::memory_order_release);
    current.index = index_in_job(unit);
    py::object argument;
    try {
      argument = decode(at, end, pickling_, store_);
    } catch (py::error_already_set& error) {
      Failure failure;
      failure.message = dumped(exception_of(error));
      failure.attempts = kNeverAgain;
      results.fail(unit, failure);
      continue;
    }
    while (!run_one(job, unit, argument, results, desk)) {
    }
  }
  results.commit();
}

// False where it is to be tried again.
bool Worker::run_one(const Job& job, std::uint64_t unit, const py::object& argument, ResultBlock& results,
                     const pool::WorkerDesk& desk) {
  py::object exception;
  ++current.serial;
  try {
    exception = encode_result(call(job, argument));
    if (!exception) {
      results.put(unit, result_);
      return true;
    }
  } catch (py::error_already_set& error) {
    exception = exception_of(error);
    if (error.matches(PyExc_SystemExit)) {
      results.commit();
      leave(exit_status_(exception).cast<int>());
    }
  }
  Failure failure;
  failure.attempts = (tried_unit_ == unit ? tried_attempts_ : 0) + 1;
  tried_unit_ = unit;
  tried_attempts_ = failure.attempts;
  desk.slot.attempts.store(static_cast<std::uint32_t>(failure.attempts), std::memory_order_relaxed);
  desk.slot.failed_item.store(unit, std::memory_order_relaxed);
  if (failure.attempts <= job.retries) return false;
  failure.message = dumped(exception);
  results.fail(unit, failure);
  return true;
}

std::string Worker::dumped(const py::object& exception) { return bytes_of(dump_failure_(exception)); }

py::object Worker::call(const Job& job, const py::object& argument) {
  PyObject* result = nullptr;
  switch (job.calling) {
    case Calling::kItem: {
      PyObject* const arguments[] = {nullptr, argument.ptr()};
      result =
          PyObject_Vectorcall(job.function.ptr(), arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
      break;
    }
    case Calling::kStar: {
      if (PyTuple_CheckExact(argument.ptr())) {
        result = PyObject_Call(job.function.ptr(), argument.ptr(), nullptr);
        break;
      }
      const auto tuple = py::reinterpret_steal<py::object>(PySequence_Tuple(argument.ptr()));
      if (tuple) result = PyObject_Call(job.function.ptr(), tuple.ptr(), nullptr);
      break;
    }
    case Calling::kWhole: {
      const auto parts = py::reinterpret_borrow<py::tuple>(argument);
      const py::object positional = parts[0], named = parts[1];
      result = PyObject_Call(job.function.ptr(), positional.ptr(), named.ptr());
      break;
    }
  }
  if (!result) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(result);
}

// What is raised where it cannot be pickled; nothing where it can.
py::object Worker::encode_result(const py::object& result) {
  result_.clear();
  places_.clear();
  try {
    encoder_->encode(result.ptr(), result_);
    return {};
  } catch (py::error_already_set& error) {
    result_.clear();
    if (store_) store_->release(places_);
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

// Coroutines: all of the chunk are in flight at once, on one event loop. The one that runs is the one that is
// published.
void Worker::run_together(const Job& job, const pool::MessageHead& head, ResultBlock& results,
                          const pool::WorkerDesk& desk) {
  const char* at = values_.data();
  const char* const end = at + values_.size();
  py::list values;
  for (std::uint64_t unit = head.begin; unit < head.end; ++unit) {
    try {
      values.append(py::make_tuple(index_in_job(unit), true, decode(at, end, pickling_, store_)));
    } catch (py::error_already_set& error) {
      values.append(py::make_tuple(index_in_job(unit), false, exception_of(error)));
    }
  }
  const std::uint64_t base = head.begin - index_in_job(head.begin);
  const py::cpp_function publish([&desk, base](std::uint64_t index) {
    desk.slot.published.store(base + index, std::memory_order_release);
  });
  const py::list came =
      together_(job.function, static_cast<int>(job.calling), values, job.together, current.number, publish);
  for (std::uint64_t unit = head.begin; unit < head.end; ++unit) {
    const py::tuple each = came[static_cast<std::size_t>(unit - head.begin)];
    py::object exception = each[1];
    if (each[0].cast<bool>()) exception = encode_result(each[1]);
    if (!exception) {
      results.put(unit, result_);
      continue;
    }
    Failure failure;
    failure.message = dumped(exception);
    failure.attempts = kNeverAgain;
    results.fail(unit, failure);
  }
}

}  // namespace furrow::python
