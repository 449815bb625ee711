#include "native/values.hpp"

#include <stdexcept>
#include <string_view>

namespace furrow::python {

namespace {

constexpr int kDeepest = 4;               // how deep tuples, lists and dicts may be nested
constexpr Py_ssize_t kMostSimple = 4096;  // values in a list or dict
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

// The same few keys come in dict after dict: short ones are kept, with the hashes that Python computes once.
class Keys {
 public:
  py::object get(const char* bytes, std::uint32_t size) {
    if (size == 0 || size > kLongest) return made(bytes, size);
    py::object& kept = kept_[(static_cast<unsigned char>(bytes[0]) * 31u +
                              static_cast<unsigned char>(bytes[size - 1]) * 7u + size) %
                             kMany];
    Py_ssize_t length = 0;
    const char* const known = kept ? PyUnicode_AsUTF8AndSize(kept.ptr(), &length) : nullptr;
    if (!known || length != static_cast<Py_ssize_t>(size) || std::memcmp(known, bytes, size) != 0)
      kept = made(bytes, size);
    return kept;
  }

 private:
  static constexpr std::uint32_t kLongest = 32;
  static constexpr std::size_t kMany = 256;
  static py::object made(const char* bytes, std::uint32_t size) {
    return py::reinterpret_steal<py::object>(
        checked(PyUnicode_DecodeUTF8(bytes, static_cast<Py_ssize_t>(size), nullptr)));
  }
  py::object kept_[kMany];
};

py::object decode_key(const char*& at, const char* end, const Pickling& pickling, BufferStore* store) {
  static Keys& keys = *new Keys;  // not destroyed: Python may have ended by then
  if (at == end || *at != 's') return decode(at, end, pickling, store);
  ++at;
  const auto size = take<std::uint32_t>(at, end);
  return keys.get(take_bytes(at, end, size), size);
}

void decode_pairs(PyObject* dict, const char*& at, const char* end, const Pickling& pickling,
                  BufferStore* store) {
  for (auto left = take<std::uint16_t>(at, end); left > 0; --left) {
    const py::object key = decode_key(at, end, pickling, store);
    const py::object value = decode(at, end, pickling, store);
    if (PyDict_SetItem(dict, key.ptr(), value.ptr()) != 0) throw py::error_already_set();
  }
}

}  // namespace

std::size_t write_scalar(PyObject* value, char* to) {
  if (PyLong_CheckExact(value)) {
    int overflow = 0;
    const long long whole = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) return 0;
    write_whole(whole, to);
    return kScalar;
  }
  if (PyFloat_CheckExact(value)) {
    const double real = PyFloat_AS_DOUBLE(value);
    to[0] = 'f';
    std::memcpy(to + 1, &real, sizeof real);
    return 1 + sizeof real;
  }
  to[0] = value == Py_None ? 'N' : value == Py_True ? 'T' : value == Py_False ? 'F' : 0;
  return to[0] != 0;
}

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

void Encoder::encode(PyObject* value, Buffer& to) {
  if (!simple(value, to, 0, true)) pickle(value, to);
}

bool Encoder::simple(PyObject* value, Buffer& to, int depth, bool alone) {
  const std::size_t before = to.size();
  const std::size_t written = write_scalar(value, to.grow(kScalar));
  to.cut(before + written);
  if (written != 0) return true;
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
  return depth < kDeepest && simple_container(value, to, depth, alone);
}

// A list or dict that nothing else refers to occurs only once, if the same holds for all that it lies in.
bool Encoder::simple_container(PyObject* value, Buffer& to, int depth, bool alone) {
  alone = alone && (depth == 0 || Py_REFCNT(value) == 1);
  const std::size_t before = to.size();
  const bool encoded = PyTuple_CheckExact(value)  ? simple_tuple(value, to, depth, alone)
                       : !alone                   ? false
                       : PyDict_CheckExact(value) ? simple_dict(value, to, depth)
                       : PyList_CheckExact(value) ? simple_list(value, to, depth)
                                                  : simple_instance(value, to, depth);
  if (encoded && to.size() - before <= static_cast<std::size_t>(kLongestSimple)) return true;
  to.cut(before);
  return false;
}

bool Encoder::simple_tuple(PyObject* tuple, Buffer& to, int depth, bool alone) {
  const Py_ssize_t size = PyTuple_GET_SIZE(tuple);
  if (size > 255) return false;
  to.byte('t');
  to.byte(static_cast<char>(size));
  for (Py_ssize_t i = 0; i < size; ++i)
    if (!simple(PyTuple_GET_ITEM(tuple, i), to, depth + 1, alone)) return false;
  return true;
}

bool Encoder::simple_list(PyObject* list, Buffer& to, int depth) {
  const Py_ssize_t size = PyList_GET_SIZE(list);
  if (size > kMostSimple) return false;
  number('l', static_cast<std::uint16_t>(size), to);
  for (Py_ssize_t i = 0; i < size; ++i)
    if (!simple(PyList_GET_ITEM(list, i), to, depth + 1, true)) return false;
  return true;
}

bool Encoder::simple_dict(PyObject* dict, Buffer& to, int depth) {
  to.byte('d');
  return simple_pairs(dict, to, depth);
}

bool Encoder::simple_pairs(PyObject* dict, Buffer& to, int depth) {
  if (PyDict_GET_SIZE(dict) > kMostSimple) return false;
  to.number(static_cast<std::uint16_t>(PyDict_GET_SIZE(dict)));
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  for (Py_ssize_t at = 0; PyDict_Next(dict, &at, &key, &value);)
    if (!simple(key, to, depth + 1, true) || !simple(value, to, depth + 1, true)) return false;
  return true;
}

// The place of its class, and its __dict__.
bool Encoder::simple_instance(PyObject* value, Buffer& to, int depth) {
  const PlainClasses::Place* const place = classes_.find(Py_TYPE(value));
  if (!place) return false;
  if (pickling_.names_matter && PyUnicode_CompareWithASCIIString(place->module.ptr(), "__main__") == 0)
    return false;
  to.byte('o');
  if (!simple(place->module.ptr(), to, depth + 1, true) || !simple(place->name.ptr(), to, depth + 1, true))
    return false;
  const auto dict = py::reinterpret_steal<py::object>(PyObject_GenericGetDict(value, nullptr));
  if (!dict) return PyErr_Clear(), false;
  return simple_pairs(dict.ptr(), to, depth);
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
    case 'l':
      for (int left = read(std::uint16_t{}); left > 0; --left) skip_value(at, end, seen);
      return;
    case 'd':
      for (int left = 2 * read(std::uint16_t{}); left > 0; --left) skip_value(at, end, seen);
      return;
    case 'o':
      skip_value(at, end, seen);
      skip_value(at, end, seen);
      for (int left = 2 * read(std::uint16_t{}); left > 0; --left) skip_value(at, end, seen);
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
    case 'l': {
      const auto count = take<std::uint16_t>(at, end);
      auto list = py::reinterpret_steal<py::object>(checked(PyList_New(count)));
      for (Py_ssize_t i = 0; i < count; ++i)
        PyList_SET_ITEM(list.ptr(), i, decode(at, end, pickling, store).release().ptr());
      return list;
    }
    case 'd': {
      auto dict = py::reinterpret_steal<py::object>(checked(PyDict_New()));
      decode_pairs(dict.ptr(), at, end, pickling, store);
      return dict;
    }
    case 'o': {
      PlainClasses::Place place;
      place.module = decode_key(at, end, pickling, store);
      place.name = decode_key(at, end, pickling, store);
      py::object instance = instance_of(class_at(place));
      const auto dict =
          py::reinterpret_steal<py::object>(checked(PyObject_GenericGetDict(instance.ptr(), nullptr)));
      decode_pairs(dict.ptr(), at, end, pickling, store);
      return instance;
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
