// furrow._mpi: this process as a rank, for furrow.MPIPool. This extension alone needs MPI, so it is imported
// only when such a pool is made.
//
// The two extensions come from one build and exchange capsules: furrow._furrow gives a pool::PayloadCodec,
// which knows what runs in the workers; this one gives rank 0's pool::ChunkWorkers.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "furrow/errors.hpp"
#include "mpi_pool/operations.hpp"
#include "mpi_pool/program.hpp"
#include "mpi_pool/ranks_here.hpp"
#include "native/workers_of_rank.hpp"
#include "remote/opening.hpp"
#include "remote/rank_server.hpp"
#include "remote/remote_workers.hpp"

namespace py = pybind11;
using namespace furrow::mpi_pool;
using namespace furrow::remote;
using Workers = furrow::python::WorkersOfRank;

namespace {

Program& program() { return Program::here(); }

// Starts MPI; returns (rank, number of ranks). MPI_THREAD_MULTIPLE, since mpi4py may call MPI on any thread.
std::pair<int, int> start(std::uint64_t identity) {
  const py::object supervisor = py::module_::import("furrow._furrow").attr("supervisor");
  if (!supervisor.is_none())
    program().supervisor = supervisor.cast<py::capsule>().get_pointer<furrow::os::Supervisor>();
  // Not atexit(): an interrupted Python ends itself with a signal, after the functions of Py_AtExit.
  if (!mpi_runs()) Py_AtExit([] { program().finalize(); });
  program().start(MPI_THREAD_MULTIPLE, identity);
  program().at_end = [] { end_others(program().transport()); };
  program().require_usable();
  return {program().rank(), program().size()};
}

// Serves rank 0 until its program ends. MAKE_WORKERS(workers, max_tasks, what rank 0 sent) returns Workers.
void serve(Workers* first, const py::object& make_workers) {
  std::vector<py::object> runtimes;
  if (first) runtimes.push_back(first->runtime());
  RankServer::Hooks hooks;
  hooks.make_workers = furrow::python::workers_made_by(make_workers, runtimes);
  hooks.opened = [](int workers) { set_rank_here(program().rank(), workers); };
  hooks.closed = [] { drop_all_parts(); };
  hooks.run_operation = run_operation;
  std::unique_ptr<RankWorkers> workers = first ? first->take() : nullptr;
  const py::gil_scoped_release released;
  RankServer(program().transport(), std::move(workers), std::move(hooks)).serve();
}

// Opens a Pool on all ranks. Returns a capsule with its RemoteWorkers, which borrow this rank's RUNTIME.
py::capsule open(const std::vector<int>& workers_of, const std::vector<int>& made, std::uint64_t max_tasks,
                 const py::bytes& sent, Workers* own, const py::object& runtime) {
  const py::capsule codec = runtime.attr("codec");
  const std::string bytes = sent;
  const auto write = [&](furrow::Writer& to) { to.write(bytes.data(), bytes.size()); };
  const std::uint64_t pool = open_on_others(program().transport(), {workers_of, made, max_tasks, write});
  auto workers =
      std::make_unique<RemoteWorkers>(program().transport(), pool, workers_of, own ? own->take() : nullptr,
                                      codec.get_pointer<furrow::pool::PayloadCodec>());
  furrow::pool::ChunkWorkers* const chunk_workers = workers.release();
  return py::capsule(chunk_workers, furrow::python::kRanksName, [](PyObject* capsule) {
    delete static_cast<furrow::pool::ChunkWorkers*>(
        PyCapsule_GetPointer(capsule, furrow::python::kRanksName));
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

  Workers::define(module);

  py::register_exception_translator([](std::exception_ptr problem) {
    try {
      std::rethrow_exception(problem);
    } catch (const furrow::PoolError& error) {
      const py::object type = py::module_::import("furrow._failures").attr("PoolError");
      PyErr_SetString(type.ptr(), error.what());
    }
  });
}
