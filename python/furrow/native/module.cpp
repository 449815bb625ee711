// furrow._furrow: the C++ pool as Python sees it. The Python classes of the package are built on these.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "furrow/cpu_count.hpp"
#include "native/agents.hpp"
#include "native/arena_store.hpp"
#include "native/worker_pool.hpp"
#include "native/worker_runtime.hpp"
#include "native/workers_of_rank.hpp"
#include "os/process/slurm_rank.hpp"
#include "os/terminal/progress_line.hpp"

namespace py = pybind11;
using namespace furrow::python;

namespace {

std::shared_ptr<PendingMap> make_pending_map(int kind, std::uint64_t key, const py::bytes& spec,
                                             std::uint64_t chunksize, double timeout_s, int retries,
                                             py::object collect, std::uint64_t items_ahead,
                                             py::object on_settled, py::object make_failure) {
  PendingMap::Options options;
  options.kind = static_cast<PendingMap::Kind>(kind);
  options.key = key;
  options.spec = spec;
  options.chunksize = chunksize;
  options.timeout_s = timeout_s;
  options.retries = retries;
  options.collect = std::move(collect);
  options.items_ahead = items_ahead;
  options.on_settled = std::move(on_settled);
  return std::make_shared<PendingMap>(std::move(options), std::move(make_failure));
}

std::unique_ptr<WorkerPool> make_worker_pool(int workers, std::uint64_t max_tasks, py::object hooks,
                                             py::object begin, py::object dumps, py::object loads,
                                             py::object by_value, py::object fallback,
                                             const py::object& spawn) {
  Pickling pickling;
  pickling.dumps = std::move(dumps);
  pickling.loads = std::move(loads);
  pickling.by_value = std::move(by_value);
  pickling.fallback = std::move(fallback);
  return std::make_unique<WorkerPool>(workers, max_tasks, std::move(hooks), std::move(begin),
                                      std::move(pickling), spawn);
}

std::unique_ptr<WorkerPool> make_worker_pool_over_ranks(int workers, py::capsule ranks,
                                                        std::shared_ptr<WorkerRuntime> runtime,
                                                        py::object dumps, py::object loads,
                                                        py::object by_value, py::object fallback) {
  Pickling pickling;
  pickling.dumps = std::move(dumps);
  pickling.loads = std::move(loads);
  pickling.by_value = std::move(by_value);
  pickling.fallback = std::move(fallback);
  return std::make_unique<WorkerPool>(workers, std::move(ranks), std::move(runtime), std::move(pickling));
}

std::uint64_t open_session(WorkerPool& workers, PendingMap& map, bool bar, py::object progress,
                           std::string resume, std::string key, std::string trace, std::uint64_t seed,
                           std::uint64_t number) {
  Session::Options options;
  options.bar = bar;
  options.progress = std::move(progress);
  options.resume = std::move(resume);
  options.resume_key = std::move(key);
  options.trace = std::move(trace);
  options.seed = seed;
  options.number = number;
  return workers.open_session(map, std::move(options));
}

py::object take(PendingMap& map) {
  auto item = map.take();
  if (!item) return py::none();
  return py::make_tuple(item->raised, std::move(item->value));
}

// All results that are there: [(index, raised, value), ...].
py::list take_all(PendingMap& map) {
  py::list all;
  while (auto item = map.take())
    all.append(py::make_tuple(item->index, item->raised, std::move(item->value)));
  return all;
}

}  // namespace

PYBIND11_MODULE(_furrow, module) {
  module.doc() = "The C++ pool behind furrow.";
  // As early as possible: modules that are imported later may start threads. furrow._mpi takes it from here.
  furrow::os::Supervisor* const supervisor = furrow::os::supervise_slurm_rank();
  module.attr("lacks_supervisor") = furrow::os::lacks_supervisor();
  module.attr("supervisor") = supervisor ? py::object(py::capsule(supervisor)) : py::none();
  module.def("cpu_count", &furrow::cpu_count, py::arg("logical") = false);

  module.def("task_scope", &Worker::scope);
  module.def("stop_requested", &Worker::stop_requested);
  module.def("run_template", &WorkerPool::run_template);

  py::class_<View, std::shared_ptr<View>>(module, "View", py::buffer_protocol()).def_buffer(&View::buffer);

  py::class_<furrow::os::ProgressLine>(module, "ProgressBar")
      .def(py::init<>())
      .def("draw",
           [](furrow::os::ProgressLine& line, std::uint64_t done, std::uint64_t failed, std::uint64_t total,
              double elapsed_s) {
             furrow::os::ProgressFigures figures{.done = done, .failed = failed};
             if (total > 0) figures.total = total;
             figures.elapsed_s = elapsed_s;
             line.draw(figures);
           })
      .def("erase", &furrow::os::ProgressLine::erase);

  py::class_<PendingMap, std::shared_ptr<PendingMap>>(module, "PendingMap")
      .def(py::init(&make_pending_map))
      .def("give", &PendingMap::give)
      .def("draw_from", &PendingMap::draw_from)
      .def("end_input", &PendingMap::end_input)
      .def("fail_input", &PendingMap::fail_input)
      .def("wants_input", &PendingMap::wants_input)
      .def("take", &take)
      .def("take_all", &take_all)
      .def("drop_inputs", &PendingMap::drop_inputs)
      .def_property_readonly("dropped", &PendingMap::dropped)
      .def("set_key", &PendingMap::set_key)
      .def("set_spec", [](PendingMap& map, const py::bytes& spec) { map.set_spec(spec); })
      .def_property_readonly("over", &PendingMap::over)
      .def_property_readonly("exhausted", &PendingMap::exhausted)
      .def_property_readonly("settled", &PendingMap::settled)
      .def_property_readonly("error", &PendingMap::error)
      .def_property_readonly("results", &PendingMap::results)
      .def_property_readonly("done", &PendingMap::done)
      .def_property_readonly("failed", &PendingMap::failed)
      .def_property_readonly("total", &PendingMap::total);

  py::class_<Agents>(module, "Agents")
      .def(py::init<const std::vector<std::pair<int, int>>&>())
      .def("open", &Agents::open)
      .def("end", &Agents::end);
  module.def("serve_pipes", &serve_pipes);
  WorkersOfRank::define(module);

  // The capsule is for those who make a rank's workers, and borrows the WorkerRuntime.
  py::class_<WorkerRuntime, std::shared_ptr<WorkerRuntime>>(module, "WorkerRuntime")
      .def(py::init<int, py::object, py::object>())
      .def_property_readonly("codec", [](WorkerRuntime& runtime) {
        return py::capsule(static_cast<furrow::pool::PayloadCodec*>(&runtime), kPayloadCodecName);
      });

  py::class_<WorkerPool>(module, "WorkerPool")
      .def(py::init(&make_worker_pool))
      .def(py::init(&make_worker_pool_over_ranks))
      .def("open_session", &open_session)
      .def("submit", &WorkerPool::submit)
      .def("wait", &WorkerPool::wait)
      .def("wait_for_item", &WorkerPool::wait_for_item)
      .def("nudge", &WorkerPool::nudge)
      .def("tick", &WorkerPool::tick)
      .def("serve", &WorkerPool::serve)
      .def("cancel", &WorkerPool::cancel)
      .def("finish", &WorkerPool::finish)
      .def("end", &WorkerPool::end)
      .def("statistics",
           [](const WorkerPool& pool) {
             const WorkerPool::Statistics now = pool.statistics();
             return py::make_tuple(now.unfinished, now.completed, now.failed, now.replaced);
           })
      .def("pids", &WorkerPool::pids)
      .def("living", &WorkerPool::living)
      .def_property("names_matter", &WorkerPool::names_matter, &WorkerPool::set_names_matter)
      .def_property_readonly("broken", &WorkerPool::broken)
      .def_property_readonly("ended", &WorkerPool::ended);

  py::register_exception_translator([](std::exception_ptr problem) {
    try {
      std::rethrow_exception(problem);
    } catch (const furrow::PoolError& error) {
      const py::object type = py::module_::import("furrow._failures").attr("PoolError");
      PyErr_SetString(type.ptr(), error.what());
    }
  });
}
