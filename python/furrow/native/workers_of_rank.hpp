// The worker processes of a rank, as the Python code of that rank makes them; for furrow._mpi and furrow._furrow.
//
// For the thread that holds the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <utility>
#include <vector>

#include "furrow/errors.hpp"
#include "native/fork.hpp"
#include "native/worker_runtime.hpp"
#include "remote/rank_server.hpp"

namespace furrow::python {

namespace py = pybind11;

// The workers, until take(). Keeps their WorkerRuntime alive.
class WorkersOfRank {
 public:
  WorkersOfRank(int workers, std::uint64_t max_tasks, py::object runtime) : runtime_(std::move(runtime)) {
    const py::capsule codec = runtime_.attr("codec");
    PoolOptions options;
    options.max_tasks_per_child = max_tasks;
    const Fork fork;
    workers_ = std::make_unique<remote::RankWorkers>(workers, options, false,
                                                     codec.get_pointer<pool::PayloadCodec>());
  }
  std::unique_ptr<remote::RankWorkers> take() { return std::move(workers_); }
  py::object runtime() const { return runtime_; }

  // Each extension that has it registers it for itself.
  static void define(py::module_& module) {
    py::class_<WorkersOfRank>(module, "Workers", py::module_local())
        .def(py::init<int, std::uint64_t, py::object>());
  }

 private:
  py::object runtime_;
  std::unique_ptr<remote::RankWorkers> workers_{};
};

// RankServer::Hooks::make_workers from MAKE_WORKERS(workers, max_tasks, what rank 0 sent), which returns such an object.
// RUNTIMES, which must outlive the server, keeps what the workers need.
inline auto workers_made_by(py::object make_workers, std::vector<py::object>& runtimes) {
  return [make_workers, &runtimes](const remote::OpenHead& head, pool::BytesReader reader) {
    const py::gil_scoped_acquire gil;
    const std::size_t size = reader.remaining();
    const py::bytes sent(reinterpret_cast<const char*>(reader.skip(size)), size);
    try {
      const py::object made = make_workers(head.workers, head.max_tasks_per_child, sent);
      auto& workers = made.cast<WorkersOfRank&>();
      runtimes.push_back(workers.runtime());
      return workers.take();
    } catch (py::error_already_set& error) {
      throw PoolError(error.what());
    }
  };
}

}  // namespace furrow::python
