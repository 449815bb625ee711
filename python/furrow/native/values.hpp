// How Python objects cross to another process, as bytes.
//
// Each value stands by itself, so that items are independent of each other: a tag, then
//
//   N, T, F   None, True, False         i, f   int64, double (8 bytes)
//   s, b      str, bytes: u32 size, UTF-8 or the bytes
//   t         tuple: u8 count, its values
//   p         a pickle: u64 size, its bytes
//   A         a large pickle that lies in the arena: a BufferPlace
//   P         a pickle with buffers beside it: u32 count, for each a BufferPlace; u64 size, its bytes; then
//   the
//             bytes of buffers that have no place in the arena (kInline), one after the other
//
// What is not exactly of one of the simple types is pickled (protocol 5). Numbers are in the machine's order.
//
// For threads that hold the GIL. Errors: encode() and decode() throw py::error_already_set.
#pragma once

#include <pybind11/pybind11.h>

#include <functional>
#include <unordered_map>
#include <vector>

#include "native/buffer.hpp"

namespace furrow::python {

namespace py = pybind11;

// Buffers that one job has sent already, whose owners it keeps as they are until it is over.
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
  std::unordered_map<Key, std::uint64_t, Hash> places{};
  std::vector<std::uint64_t> held{};
  std::vector<py::object> owners{};
};

// Where large buffers of values go instead of into the bytes.
class BufferStore {
 public:
  virtual ~BufferStore() = default;
  // Puts away a copy of the bytes and gives its place; kNowhere where it cannot.
  virtual std::uint64_t put(const Py_buffer& bytes) = 0;
  // From now on, places that are put are added to PLACES, and those of SENT are used again. Null: no such.
  virtual void use(std::vector<std::uint64_t>* places, SentBuffers* sent) = 0;
  // What was added there is not needed any more (in a worker: was not sent).
  virtual void release(std::vector<std::uint64_t>& places) = 0;
  // Whether what was put last is kept for all of its job, so that other values may refer to it.
  virtual bool lasting() const = 0;
  // The bytes at a place, as an object with the buffer interface. Throws py::error_already_set.
  virtual py::object get(std::uint64_t place, std::uint64_t size, bool readonly) = 0;
  // In a worker that has just been forked: this is number WORKER.
  virtual void enter(int worker) = 0;

  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
  static constexpr Py_ssize_t kLarge = 32 << 10;          // smaller ones stay in the pickle
  static constexpr std::size_t kLargePickle = 128 << 10;  // smaller ones go with the message
};

struct BufferPlace {
  static constexpr std::uint64_t kInline = BufferStore::kNowhere;
  std::uint64_t at;
  std::uint64_t size;
  std::uint64_t flags;  // on the way between ranks, from kNumber on: its number beside the message
  static constexpr std::uint64_t kReadonly = 1, kLasting = 2, kKept = 4;  // kept: the rank has it already
  static constexpr int kNumber = 32;
};

// How objects are pickled that are not simple: furrow._pickling knows.
struct Pickling {
  py::object dumps;           // (object, protocol, *, buffer_callback) -> bytes
  py::object loads;           // pickle.loads
  py::object fallback{};      // (object, exception, buffer_callback) -> bytes; none
  py::object by_value;        // (object, bytes, buffer_callback) -> bytes: where the pickle names __main__
  bool names_matter = false;  // whether by_value is to be asked
};

class Encoder {
 public:
  Encoder(Pickling& pickling, BufferStore* store);
  void encode(PyObject* value, Buffer& to);
  // Only if it is simple: no Python code is run.
  bool encode_simple(PyObject* value, Buffer& to) { return simple(value, to, 0); }
  static void encode_whole(std::int64_t value, Buffer& to);  // as the int of that value

 private:
  bool simple(PyObject* value, Buffer& to, int depth);
  void pickle(PyObject* value, Buffer& to);
  py::object dumps(PyObject* value);
  static PyObject* keep(PyObject* self, PyObject* buffer);

  Pickling& pickling_;
  BufferStore* store_;
  PyMethodDef keep_method_;
  py::object keep_{};
  std::vector<py::object> buffers_{};
};

// The exception that was caught, with its traceback.
py::object exception_of(const py::error_already_set& error);

// Moves AT behind one value, and calls SEEN with each BufferPlace that is in it and not kInline. Needs no
// GIL; throws std::runtime_error where the value is garbled.
using SeenPlace = std::function<void(const char* place)>;
void skip_value(const char*& at, const char* end, const SeenPlace& seen);

// Reads one value, and moves AT behind it.
py::object decode(const char*& at, const char* end, const Pickling& pickling, BufferStore* store);

}  // namespace furrow::python
