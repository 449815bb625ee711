// furrow._mpi: this process as a rank, for furrow.MPIPool. The one extension that needs MPI, so it is
// imported only when such a pool is made.
//
// What runs in the workers comes from furrow._furrow, as a capsule with a pool::Cargo; what rank 0 has for
// its jobs goes there, as one with a pool::ParcelCrew. The two extensions are of one build.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "furrow/errors.hpp"
#include "mpi/opening.hpp"
#include "mpi/rank_crew.hpp"
#include "mpi/rank_server.hpp"
#include "mpi/ranks_here.hpp"
#include "native/fork.hpp"
#include "native/station.hpp"

namespace py = pybind11;
using namespace furrow::mpi_detail;
using furrow::python::Fork;

namespace {

// Workers on this rank, until a crew or a server takes them. Keeps the station that they are made of.
class Workers {
 public:
  Workers(int workers, std::uint64_t max_tasks, py::object station) : station_(std::move(station)) {
    const py::capsule cargo = station_.attr("cargo");
    furrow::PoolOptions options;
    options.max_tasks_per_child = max_tasks;
    const Fork fork;
    workers_ =
        std::make_unique<RankWorkers>(workers, options, false, cargo.get_pointer<furrow::pool::Cargo>());
  }
  std::unique_ptr<RankWorkers> take() { return std::move(workers_); }
  py::object station() const { return station_; }

 private:
  py::object station_;
  std::unique_ptr<RankWorkers> workers_{};
};

Program& program() { return Program::here(); }

// Gives (rank, number of ranks). Whoever uses MPI beside us may do so on any thread.
std::pair<int, int> start(std::uint64_t identity) {
  const py::object keeper = py::module_::import("furrow._furrow").attr("keeper");
  if (!keeper.is_none()) program().keeper = keeper.cast<py::capsule>().get_pointer<furrow::os::Keeper>();
  // Python that was interrupted ends by a signal, after this and before any handler of the C library.
  if (!mpi_runs()) Py_AtExit([] { program().finalize(); });
  program().start(MPI_THREAD_MULTIPLE, identity);
  program().at_end = [] { end_others(program()); };
  program().require_usable();
  return {program().rank(), program().size()};
}

// Until rank 0's program ends. HIRE(workers, max_tasks, what rank 0 sent) gives Workers.
void serve(Workers* first, const py::object& hire) {
  std::vector<py::object> stations;
  if (first) stations.push_back(first->station());
  const auto hire_here = [&](const OpenHead& head, BytesReader reader) {
    const py::gil_scoped_acquire gil;
    const std::size_t size = reader.remaining();
    const py::bytes sent(reinterpret_cast<const char*>(reader.skip(size)), size);
    try {
      const py::object made = hire(head.workers, head.max_tasks_per_child, sent);
      auto& workers = made.cast<Workers&>();
      stations.push_back(workers.station());
      return workers.take();
    } catch (py::error_already_set& error) {
      throw furrow::PoolError(error.what());
    }
  };
  std::unique_ptr<RankWorkers> workers = first ? first->take() : nullptr;
  const py::gil_scoped_release released;
  RankServer(program(), std::move(workers), hire_here).serve();
}

// A Pool begins, on all ranks. Gives a capsule with its crew, which borrows the STATION of this rank.
py::capsule open(const std::vector<int>& workers_of, const std::vector<int>& made, std::uint64_t max_tasks,
                 const py::bytes& sent, Workers* own, const py::object& station) {
  const py::capsule cargo = station.attr("cargo");
  const std::string bytes = sent;
  const auto write = [&](furrow::Writer& to) { to.write(bytes.data(), bytes.size()); };
  const std::uint64_t pool = open_on_others(program(), {workers_of, made, max_tasks, write});
  auto crew = std::make_unique<RankCrew>(program().mailbox(), pool, workers_of, own ? own->take() : nullptr,
                                         cargo.get_pointer<furrow::pool::Cargo>());
  furrow::pool::ParcelCrew* const seam = crew.release();
  return py::capsule(seam, furrow::python::kRanksName, [](PyObject* capsule) {
    delete static_cast<furrow::pool::ParcelCrew*>(PyCapsule_GetPointer(capsule, furrow::python::kRanksName));
  });
}

}  // namespace

PYBIND11_MODULE(_mpi, module) {
  module.doc() = "This process as a rank, behind furrow.MPIPool.";
  module.def("runs", &mpi_runs);
  module.def("started", [] { return program().started(); });
  module.def("require_usable", [] { program().require_usable(); });
  module.def("start", &start);
  module.def("gather", [](int mine) { return program().gather(mine); });
  module.def("mismatch", [] { return program().mismatch(); });
  module.def("ranks_here_by_environment", &ranks_here_by_environment);
  module.def("ranks_here_by_mpi", &ranks_here_by_mpi);
  module.def("cores_for_rank", &cores_for_rank);
  module.def("serve", &serve);
  module.def("open", &open);
  module.def("finalize", [] {
    const py::gil_scoped_release released;
    program().finalize();
  });

  py::class_<Workers>(module, "Workers").def(py::init<int, std::uint64_t, py::object>());

  py::register_exception_translator([](std::exception_ptr problem) {
    try {
      std::rethrow_exception(problem);
    } catch (const furrow::PoolError& error) {
      const py::object type = py::module_::import("furrow._failures").attr("PoolError");
      PyErr_SetString(type.ptr(), error.what());
    }
  });
}
