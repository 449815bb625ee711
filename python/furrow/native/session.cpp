#include "native/session.hpp"

#include <algorithm>

namespace furrow::python {

Session::Session(Options options, py::list inputs, py::list results, Pickling& pickling)
    : inputs_(std::move(inputs)),
      results_(std::move(results)),
      encoder_(pickling, nullptr),
      pickling_(pickling),
      run_(call_, options_, timeout_monitor_, false) {
  call_.object = this;
  call_.size = call_.items = inputs_.size();
  call_.has_result = true;
  call_.cross.encode_input = &Session::encode_input;
  call_.cross.encode_result = &Session::encode_result;
  call_.cross.store_encoded = &Session::store_result;
  options_.resume = {options.resume, options.resume_key};
  options_.trace = options.trace;
  if (options.bar) options_.progress = Progress(true);
  if (!options.progress.is_none())
    options_.progress = Progress([callback = options.progress](const ProgressUpdate& update) {
      const py::gil_scoped_acquire gil;
      callback(update.done, update.failed, update.total, update.elapsed_s);
    });
  run_.seed = options.seed;
  run_.number = options.number;
  session_.emplace(run_, BackendKind::kProcesses);
}

std::vector<pool::IndexRange> Session::left() const {
  std::vector<pool::IndexRange> ranges;
  if (run_.todo() > 0)
    run_.for_each_range({0, run_.todo()}, [&](std::uint64_t begin, std::uint64_t end) {
      ranges.push_back({begin, end});
    });
  return ranges;
}

void Session::chunk_done(int worker, pool::IndexRange indices, std::int64_t began_ns, std::int64_t ended_ns) {
  run_.chunk_done({std::max(worker, 0), indices, began_ns, ended_ns});
}

void Session::failed(std::uint64_t index, int attempts, const std::string& what, int worker) {
  Failure failure;
  failure.index = index;
  failure.attempts = attempts;
  failure.message = what;
  run_.record(std::move(failure), worker);
}

void Session::restarted(int worker) { run_.worker_replaced(worker); }

void Session::tick() {
  if (run_.tick) run_.tick();
}

void Session::finish() { session_->finish(); }

void Session::encode(PyObject* value, Writer& to) {
  buffer_.clear();
  encoder_.encode(value, buffer_);
  to.write(buffer_.data(), buffer_.size());
}

void Session::encode_input(void* session, std::uint64_t index, Writer& to) {
  auto* const self = static_cast<Session*>(session);
  self->encode(PyList_GET_ITEM(self->inputs_.ptr(), static_cast<Py_ssize_t>(index)), to);
}

void Session::encode_result(void* session, std::uint64_t index, Writer& to) {
  auto* const self = static_cast<Session*>(session);
  PyObject* const result = PyList_GET_ITEM(self->results_.ptr(), static_cast<Py_ssize_t>(index));
  Buffer value;
  self->encoder_.encode(result ? result : Py_None, value);
  const auto size = static_cast<std::uint64_t>(value.size());
  to.write(&size, sizeof size);
  to.write(value.data(), value.size());
}

void Session::store_result(void* session, std::uint64_t index, Reader& from) {
  auto* const self = static_cast<Session*>(session);
  std::uint64_t size = 0;
  from.read(&size, sizeof size);
  if (size > from.remaining()) throw std::runtime_error("a result in the file is cut short");
  Buffer value;
  from.read(value.grow(size), size);
  const char* at = value.data();
  PyObject* const result = decode(at, at + size, self->pickling_, nullptr).release().ptr();
  if (PyList_SetItem(self->results_.ptr(), static_cast<Py_ssize_t>(index), result) != 0)
    throw py::error_already_set();
}

}  // namespace furrow::python
