// Progress, trace and resume file of a map of Python tasks (pool/map/map_session.hpp), over the lists of its
// inputs and results.
//
// The GIL guards it. Errors: PoolError, and whatever a progress callback raises.
#pragma once

#include <optional>
#include <string>

#include "native/values.hpp"
#include "pool/map/map_session.hpp"

namespace furrow::python {

class Session {
 public:
  struct Options {
    bool bar = false;
    py::object progress{};  // called with (done, failed, total, elapsed_s); None: nothing
    std::string resume{}, resume_key{}, trace{};
    std::uint64_t seed = 0, number = 0;
  };

  // Stores the results that a resume file has in RESULTS.
  Session(Options options, py::list inputs, py::list results, Pickling& pickling);

  // The index ranges that are left to do, in order.
  std::vector<pool::IndexRange> left() const;
  std::uint64_t number() const { return run_.number; }
  void chunk_done(int worker, pool::IndexRange indices, std::int64_t began_ns, std::int64_t ended_ns);
  void failed(std::uint64_t index, int attempts, const std::string& what, int worker);
  void restarted(int worker);
  void tick();
  void finish();

 private:
  static void encode_input(void* session, std::uint64_t index, Writer& to);
  static void encode_result(void* session, std::uint64_t index, Writer& to);
  static void store_result(void* session, std::uint64_t index, Reader& from);
  void encode(PyObject* value, Writer& to);

  py::list inputs_, results_;
  Encoder encoder_;  // without a store: a file must hold the whole value
  const Pickling& pickling_;
  Buffer buffer_{};
  MapOptions options_{};
  detail::MapCall call_{};
  pool::TimeoutMonitor timeout_monitor_{};
  pool::RunningMap run_;
  std::optional<pool::MapSession> session_{};
};

}  // namespace furrow::python
