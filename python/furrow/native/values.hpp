// How Python objects are encoded as bytes for another process.
//
// Each value is encoded by itself, so that items are independent of each other: a tag, then
//
//   N, T, F   None, True, False         i, f   int64, double (8 bytes)
//   s, b      str, bytes: u32 size, UTF-8 or the bytes
//   t         tuple: u8 count, its values
//   l, d      list, dict: u16 count, its values, or keys and values
//   p         a pickle: u64 size, its bytes
//   A         a large pickle that lies in the arena: a BufferRef
//   P         a pickle with out-of-band buffers: u32 count, a BufferRef for each; u64 size, the pickle's
//             bytes; then the bytes of buffers that are not in the arena (kInline), one after the other
//
// Whatever is not exactly of a simple type is pickled (protocol 5), and so is a value in which a list or dict
// might occur twice, since it must then be one object again. Numbers are in machine byte order.
//
// The caller must hold the GIL. Errors: encode() and decode() throw py::error_already_set.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>
#include <unordered_map>
#include <vector>

#include "native/buffer.hpp"
#include "native/instances.hpp"

namespace furrow::python {

namespace py = pybind11;

// Buffers that a map has sent already. It keeps their owners alive until it is over.
struct SentBuffers {
  struct Key {
    const void* data;
    std::size_t size;
    int readonly;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return reinterpret_cast<std::size_t>(key.data) ^ (key.size * 0x9e3779b97f4a7c15u);
    }
  };
  std::unordered_map<Key, std::uint64_t, Hash> offsets{};
  std::vector<std::uint64_t> held{};
  std::vector<py::object> owners{};
};

// Where large buffers of values are put instead of into the bytes.
class BufferStore {
 public:
  virtual ~BufferStore() = default;
  // Stores a copy of the bytes and returns its offset; kNowhere if it cannot.
  virtual std::uint64_t put(const Py_buffer& bytes) = 0;
  // From now on put() adds each offset to OFFSETS, and reuses the buffers in SENT. Both may be null.
  virtual void use(std::vector<std::uint64_t>* offsets, SentBuffers* sent) = 0;
  // OFFSETS are no longer needed (in a worker: they were not sent).
  virtual void release(std::vector<std::uint64_t>& offsets) = 0;
  // Whether the last buffer put is kept until its map ends, so that other values may refer to it.
  virtual bool lasting() const = 0;
  // The bytes at an offset, as an object with the buffer interface. Throws py::error_already_set.
  virtual py::object get(std::uint64_t offset, std::uint64_t size, bool readonly) = 0;
  // Called in a worker that has just been forked: its number is WORKER.
  virtual void enter(int worker) = 0;
  // For an idle worker, without the GIL: gives back memory that is not needed. False: it is too early for that.
  virtual bool trim() = 0;

  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
  static constexpr Py_ssize_t kLarge = 32 << 10;          // smaller ones stay in the pickle
  static constexpr std::size_t kLargePickle = 128 << 10;  // smaller ones go with the message
};

struct BufferRef {
  static constexpr std::uint64_t kInline = BufferStore::kNowhere;
  std::uint64_t at;
  std::uint64_t size;
  std::uint64_t flags;  // between ranks, the bits from kNumber on: which of the message's buffers it is
  static constexpr std::uint64_t kReadonly = 1, kLasting = 2, kKept = 4;  // kept: the rank has it already
  static constexpr int kNumber = 32;
};

// The functions that pickle objects that are not simple (furrow._pickling).
struct Pickling {
  py::object dumps;           // (object, protocol, *, buffer_callback) -> bytes
  py::object loads;           // pickle.loads
  py::object fallback{};      // (object, exception, buffer_callback) -> bytes; may be null
  py::object by_value;        // (object, bytes, buffer_callback) -> bytes, if the pickle names __main__
  bool names_matter = false;  // whether by_value is to be used
};

// The most bytes of a number, None, True or False; so many of a whole number.
constexpr std::size_t kScalar = 1 + sizeof(std::int64_t);

inline void write_whole(std::int64_t value, char* to) {
  to[0] = 'i';
  std::memcpy(to + 1, &value, sizeof value);
}

// Writes VALUE to at most kScalar bytes, and returns how many; 0 if it is none of these.
std::size_t write_scalar(PyObject* value, char* to);

class Encoder {
 public:
  Encoder(Pickling& pickling, BufferStore* store);
  void encode(PyObject* value, Buffer& to);
  // Encodes VALUE if it is simple, without running Python code; otherwise returns false.
  bool encode_simple(PyObject* value, Buffer& to) { return simple(value, to, 0, true); }

 private:
  // ALONE: what VALUE holds is held by nothing else in the same value.
  bool simple(PyObject* value, Buffer& to, int depth, bool alone);
  bool simple_container(PyObject* value, Buffer& to, int depth, bool alone);
  bool simple_tuple(PyObject* tuple, Buffer& to, int depth, bool alone);
  bool simple_list(PyObject* list, Buffer& to, int depth);
  bool simple_dict(PyObject* dict, Buffer& to, int depth);
  bool simple_pairs(PyObject* dict, Buffer& to, int depth);
  bool simple_instance(PyObject* value, Buffer& to, int depth);
  void pickle(PyObject* value, Buffer& to);
  py::object dumps(PyObject* value);
  static PyObject* keep(PyObject* self, PyObject* buffer);

  Pickling& pickling_;
  BufferStore* store_;
  PyMethodDef keep_method_;
  py::object keep_{};
  std::vector<py::object> buffers_{};
  PlainClasses classes_{};
};

// The exception that ERROR holds, with its traceback.
py::object exception_of(const py::error_already_set& error);

// Moves AT behind one value, and calls SEEN with the address of each BufferRef in it that is not kInline.
// Needs no GIL; throws std::runtime_error if the value is corrupt.
using SeenRef = std::function<void(const char* ref)>;
void skip_value(const char*& at, const char* end, const SeenRef& seen);

// Reads one value, and moves AT behind it.
py::object decode(const char*& at, const char* end, const Pickling& pickling, BufferStore* store);

// The same for a whole number, which runs no Python code. Null, and AT stays, if the value is another.
inline PyObject* decode_whole(const char*& at, const char* end) {
  if (static_cast<std::size_t>(end - at) < kScalar || *at != 'i') return nullptr;
  std::int64_t value = 0;
  std::memcpy(&value, at + 1, sizeof value);
  PyObject* const made = PyLong_FromLongLong(value);
  if (made)
    at += kScalar;
  else
    PyErr_Clear();  // decode() will say that memory is short
  return made;
}

}  // namespace furrow::python
