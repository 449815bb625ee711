#include "native/values.hpp"

#include <stdexcept>
#include <string_view>

namespace furrow::python {

namespace {

constexpr int kDeepest = 4;  // how deep tuples may be nested
constexpr Py_ssize_t kLongestSimple = 64 << 10;

void text(char tag, const char* bytes, Py_ssize_t size, Buffer& to) {
  char* const room = to.grow(5 + static_cast<std::size_t>(size));
  const auto length = static_cast<std::uint32_t>(size);
  room[0] = tag;
  std::memcpy(room + 1, &length, 4);
  std::memcpy(room + 5, bytes, static_cast<std::size_t>(size));
}

template <class Number>
void number(char tag, Number value, Buffer& to) {
  char* const room = to.grow(1 + sizeof value);
  room[0] = tag;
  std::memcpy(room + 1, &value, sizeof value);
}

[[noreturn]] void torn() {
  PyErr_SetString(PyExc_EOFError, "a value from another process ends too early");
  throw py::error_already_set();
}

PyObject* checked(PyObject* made) {
  if (!made) throw py::error_already_set();
  return made;
}

template <class Number>
Number take(const char*& at, const char* end) {
  if (static_cast<std::size_t>(end - at) < sizeof(Number)) torn();
  Number value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}

const char* take_bytes(const char*& at, const char* end, std::uint64_t size) {
  if (static_cast<std::uint64_t>(end - at) < size) torn();
  return std::exchange(at, at + size);
}

// A memoryview, so that a pickle is read without a copy.
py::object view(const char* bytes, std::uint64_t size) {
  return py::reinterpret_steal<py::object>(
      checked(PyMemoryView_FromMemory(const_cast<char*>(bytes), static_cast<Py_ssize_t>(size), PyBUF_READ)));
}

py::object load(const Pickling& pickling, const char* bytes, std::uint64_t size, PyObject* buffers) {
  const py::object pickle = view(bytes, size);
  PyObject* const arguments[] = {pickle.ptr(), buffers};
  static PyObject* const names = PyTuple_Pack(1, py::str("buffers").release().ptr());
  return py::reinterpret_steal<py::object>(
      checked(PyObject_Vectorcall(pickling.loads.ptr(), arguments, 1, buffers ? names : nullptr)));
}

py::object load_with_buffers(const char*& at, const char* end, const Pickling& pickling, BufferStore* store) {
  const auto count = take<std::uint32_t>(at, end);
  std::vector<BufferRef> refs;
  for (std::uint32_t i = 0; i < count; ++i) refs.push_back(take<BufferRef>(at, end));
  const auto size = take<std::uint64_t>(at, end);
  const char* const pickle = take_bytes(at, end, size);
  py::list buffers;
  for (const BufferRef& each : refs) {
    if (each.at != BufferRef::kInline) {
      if (!store) torn();
      buffers.append(store->get(each.at, each.size, (each.flags & BufferRef::kReadonly) != 0));
      continue;
    }
    const char* const bytes = take_bytes(at, end, each.size);
    const auto length = static_cast<Py_ssize_t>(each.size);
    buffers.append(py::reinterpret_steal<py::object>(
        checked((each.flags & BufferRef::kReadonly) ? PyBytes_FromStringAndSize(bytes, length)
                                                    : PyByteArray_FromStringAndSize(bytes, length))));
  }
  return load(pickling, pickle, size, buffers.ptr());
}

}  // namespace

py::object exception_of(const py::error_already_set& error) {
  py::object value = error.value();
  if (error.trace()) PyException_SetTraceback(value.ptr(), error.trace().ptr());
  return value;
}

Encoder::Encoder(Pickling& pickling, BufferStore* store)
    : pickling_(pickling), store_(store), keep_method_{"keep", &Encoder::keep, METH_O, nullptr} {
  const py::capsule self(this);
  keep_ = py::reinterpret_steal<py::object>(checked(PyCFunction_New(&keep_method_, self.ptr())));
}

void Encoder::encode_whole(std::int64_t value, Buffer& to) { number('i', value, to); }

void Encoder::encode(PyObject* value, Buffer& to) {
  if (!simple(value, to, 0)) pickle(value, to);
}

bool Encoder::simple(PyObject* value, Buffer& to, int depth) {
  if (value == Py_None) return to.byte('N'), true;
  if (value == Py_True) return to.byte('T'), true;
  if (value == Py_False) return to.byte('F'), true;
  if (PyLong_CheckExact(value)) {
    int overflow = 0;
    const long long whole = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) return false;
    number<std::int64_t>('i', whole, to);
    return true;
  }
  if (PyFloat_CheckExact(value)) return number('f', PyFloat_AS_DOUBLE(value), to), true;
  if (PyUnicode_CheckExact(value)) {
    Py_ssize_t size = 0;
    const char* const bytes = PyUnicode_AsUTF8AndSize(value, &size);
    if (!bytes) PyErr_Clear();  // it contains surrogates
    if (!bytes || size > kLongestSimple) return false;
    text('s', bytes, size, to);
    return true;
  }
  if (PyBytes_CheckExact(value)) {
    if (PyBytes_GET_SIZE(value) > kLongestSimple) return false;
    text('b', PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), to);
    return true;
  }
  if (!PyTuple_CheckExact(value) || PyTuple_GET_SIZE(value) > 255 || depth == kDeepest) return false;
  const std::size_t before = to.size();
  to.byte('t');
  to.byte(static_cast<char>(PyTuple_GET_SIZE(value)));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i) {
    if (simple(PyTuple_GET_ITEM(value, i), to, depth + 1)) continue;
    to.cut(before);
    return false;
  }
  return true;
}

// Pickle calls this for each buffer; False keeps the buffer out of the pickle.
PyObject* Encoder::keep(PyObject* self, PyObject* buffer) {
  auto* const encoder = static_cast<Encoder*>(PyCapsule_GetPointer(self, nullptr));
  const Py_buffer* const bytes = PyPickleBuffer_GetBuffer(buffer);
  if (!bytes) return nullptr;
  if (bytes->len < BufferStore::kLarge || !(PyBuffer_IsContiguous(bytes, 'A'))) Py_RETURN_TRUE;
  encoder->buffers_.push_back(py::reinterpret_borrow<py::object>(buffer));
  Py_RETURN_FALSE;
}

py::object Encoder::dumps(PyObject* value) {
  static PyObject* const protocol = PyLong_FromLong(5);
  static PyObject* const names = PyTuple_Pack(1, py::str("buffer_callback").release().ptr());
  buffers_.clear();
  PyObject* const arguments[] = {value, protocol, keep_.ptr()};
  try {
    return py::reinterpret_steal<py::object>(
        checked(PyObject_Vectorcall(pickling_.dumps.ptr(), arguments, 2, names)));
  } catch (py::error_already_set& error) {
    if (!pickling_.fallback) throw;
    buffers_.clear();
    return pickling_.fallback(py::handle(value), exception_of(error), keep_);
  }
}

void Encoder::pickle(PyObject* value, Buffer& to) {
  py::object made = dumps(value);
  const auto names_main = [&] {
    const std::string_view bytes(PyBytes_AS_STRING(made.ptr()),
                                 static_cast<std::size_t>(PyBytes_GET_SIZE(made.ptr())));
    return bytes.find("__main__") != std::string_view::npos;
  };
  if (pickling_.names_matter && names_main()) {
    buffers_.clear();
    made = pickling_.by_value(py::handle(value), made, keep_);
  }
  const auto size = static_cast<std::uint64_t>(PyBytes_GET_SIZE(made.ptr()));
  if (buffers_.empty()) {
    if (size >= BufferStore::kLargePickle && store_) {
      Py_buffer bytes{};
      bytes.buf = PyBytes_AS_STRING(made.ptr());
      bytes.len = static_cast<Py_ssize_t>(size);
      const std::uint64_t at = store_->put(bytes);
      if (at != BufferStore::kNowhere) {
        to.byte('A');
        to.number(BufferRef{at, size, BufferRef::kReadonly});
        return;
      }
    }
    to.byte('p');
    to.number(size);
    to.append(PyBytes_AS_STRING(made.ptr()), size);
    return;
  }
  to.byte('P');
  to.number(static_cast<std::uint32_t>(buffers_.size()));
  std::vector<const Py_buffer*> in_line;
  for (const py::object& each : buffers_) {
    const Py_buffer* const bytes = PyPickleBuffer_GetBuffer(each.ptr());
    if (!bytes) throw py::error_already_set();
    const std::uint64_t at = store_ ? store_->put(*bytes) : BufferStore::kNowhere;
    if (at == BufferStore::kNowhere) in_line.push_back(bytes);
    std::uint64_t flags = bytes->readonly ? BufferRef::kReadonly : 0;
    if (at != BufferStore::kNowhere && store_->lasting()) flags |= BufferRef::kLasting;
    to.number(BufferRef{at, static_cast<std::uint64_t>(bytes->len), flags});
  }
  to.number(size);
  to.append(PyBytes_AS_STRING(made.ptr()), size);
  for (const Py_buffer* each : in_line) to.append(each->buf, static_cast<std::size_t>(each->len));
  buffers_.clear();
}

void skip_value(const char*& at, const char* end, const SeenRef& seen) {
  const auto skip = [&](std::uint64_t size) {
    if (static_cast<std::uint64_t>(end - at) < size)
      throw std::runtime_error("a value from another process ends too early");
    return std::exchange(at, at + size);
  };
  const auto read = [&](auto number) {
    std::memcpy(&number, skip(sizeof number), sizeof number);
    return number;
  };
  switch (*skip(1)) {
    case 'N':
    case 'T':
    case 'F':
      return;
    case 'i':
    case 'f':
      skip(8);
      return;
    case 's':
    case 'b':
      skip(read(std::uint32_t{}));
      return;
    case 't':
      for (int left = static_cast<unsigned char>(*skip(1)); left > 0; --left) skip_value(at, end, seen);
      return;
    case 'p':
      skip(read(std::uint64_t{}));
      return;
    case 'A':
      seen(skip(sizeof(BufferRef)));
      return;
    case 'P': {
      std::uint64_t inline_bytes = 0;
      for (auto left = read(std::uint32_t{}); left > 0; --left) {
        const char* const ref_at = at;
        const auto ref = read(BufferRef{});
        if (ref.at == BufferRef::kInline)
          inline_bytes += ref.size;
        else
          seen(ref_at);
      }
      skip(read(std::uint64_t{}));
      skip(inline_bytes);
      return;
    }
    default:
      throw std::runtime_error("a value from another process is garbled");
  }
}

py::object decode(const char*& at, const char* end, const Pickling& pickling, BufferStore* store) {
  switch (take<char>(at, end)) {
    case 'N':
      return py::none();
    case 'T':
      return py::reinterpret_borrow<py::object>(Py_True);
    case 'F':
      return py::reinterpret_borrow<py::object>(Py_False);
    case 'i':
      return py::reinterpret_steal<py::object>(checked(PyLong_FromLongLong(take<std::int64_t>(at, end))));
    case 'f':
      return py::reinterpret_steal<py::object>(checked(PyFloat_FromDouble(take<double>(at, end))));
    case 's': {
      const auto size = take<std::uint32_t>(at, end);
      return py::reinterpret_steal<py::object>(
          checked(PyUnicode_DecodeUTF8(take_bytes(at, end, size), size, nullptr)));
    }
    case 'b': {
      const auto size = take<std::uint32_t>(at, end);
      return py::reinterpret_steal<py::object>(
          checked(PyBytes_FromStringAndSize(take_bytes(at, end, size), size)));
    }
    case 't': {
      const auto count = static_cast<unsigned char>(take<char>(at, end));
      auto tuple = py::reinterpret_steal<py::object>(checked(PyTuple_New(count)));
      for (Py_ssize_t i = 0; i < count; ++i)
        PyTuple_SET_ITEM(tuple.ptr(), i, decode(at, end, pickling, store).release().ptr());
      return tuple;
    }
    case 'p': {
      const auto size = take<std::uint64_t>(at, end);
      return load(pickling, take_bytes(at, end, size), size, nullptr);
    }
    case 'A': {
      const auto ref = take<BufferRef>(at, end);
      if (!store) torn();
      const py::object pickle = store->get(ref.at, ref.size, true);
      return py::reinterpret_steal<py::object>(
          checked(PyObject_CallOneArg(pickling.loads.ptr(), pickle.ptr())));
    }
    case 'P':
      return load_with_buffers(at, end, pickling, store);
    default:
      PyErr_SetString(PyExc_ValueError, "a value from another process is garbled");
      throw py::error_already_set();
  }
}

}  // namespace furrow::python
