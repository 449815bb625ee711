// furrow._furrow: the C++ pool as Python sees it. The classes of the package are built on these few.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "furrow/cpu_count.hpp"
#include "native/arena_store.hpp"
#include "native/crew.hpp"
#include "native/station.hpp"
#include "os/process/slurm_rank.hpp"
#include "pool/map/progress_bar.hpp"

namespace py = pybind11;
using namespace furrow::python;

namespace {

std::shared_ptr<Job> make_job(int kind, std::uint64_t key, const py::bytes& spec, std::uint64_t chunksize,
                              double timeout_s, int retries, py::object collect, std::uint64_t items_ahead,
                              py::object on_settled, py::object make_failure) {
  Job::Options options;
  options.kind = static_cast<Job::Kind>(kind);
  options.key = key;
  options.spec = spec;
  options.chunksize = chunksize;
  options.timeout_s = timeout_s;
  options.retries = retries;
  options.collect = std::move(collect);
  options.items_ahead = items_ahead;
  options.on_settled = std::move(on_settled);
  return std::make_shared<Job>(std::move(options), std::move(make_failure));
}

std::unique_ptr<Crew> make_crew(int workers, std::uint64_t max_tasks, py::object hooks, py::object begin,
                                py::object dumps, py::object loads, py::object by_value, py::object fallback,
                                const py::object& spawn) {
  Pickling pickling;
  pickling.dumps = std::move(dumps);
  pickling.loads = std::move(loads);
  pickling.by_value = std::move(by_value);
  pickling.fallback = std::move(fallback);
  return std::make_unique<Crew>(workers, max_tasks, std::move(hooks), std::move(begin), std::move(pickling),
                                spawn);
}

std::unique_ptr<Crew> make_crew_over_ranks(int workers, py::capsule ranks, std::shared_ptr<Station> station,
                                           py::object dumps, py::object loads, py::object by_value,
                                           py::object fallback) {
  Pickling pickling;
  pickling.dumps = std::move(dumps);
  pickling.loads = std::move(loads);
  pickling.by_value = std::move(by_value);
  pickling.fallback = std::move(fallback);
  return std::make_unique<Crew>(workers, std::move(ranks), std::move(station), std::move(pickling));
}

std::uint64_t open_session(Crew& crew, Job& job, bool bar, py::object progress, std::string resume,
                           std::string key, std::string trace, std::uint64_t seed, std::uint64_t number) {
  Session::Options options;
  options.bar = bar;
  options.progress = std::move(progress);
  options.resume = std::move(resume);
  options.resume_key = std::move(key);
  options.trace = std::move(trace);
  options.seed = seed;
  options.number = number;
  return crew.open_session(job, std::move(options));
}

py::object take(Job& job) {
  auto item = job.take();
  if (!item) return py::none();
  return py::make_tuple(item->raised, std::move(item->value));
}

}  // namespace

PYBIND11_MODULE(_furrow, module) {
  module.doc() = "The C++ pool behind furrow.";
  // As early as can be: what is imported later may start threads. A rank's part of furrow._mpi tells it more.
  furrow::os::Keeper* const keeper = furrow::os::keep_slurm_rank();
  module.attr("lacks_keeper") = furrow::os::lacks_keeper();
  module.attr("keeper") = keeper ? py::object(py::capsule(keeper)) : py::none();
  module.def("cpu_count", &furrow::cpu_count, py::arg("logical") = false);

  module.def("task_scope", &Worker::scope);
  module.def("tend", &Crew::tend);

  py::class_<View, std::shared_ptr<View>>(module, "View", py::buffer_protocol()).def_buffer(&View::buffer);

  py::class_<furrow::pool::ProgressBar>(module, "ProgressBar")
      .def(py::init<>())
      .def("draw",
           [](furrow::pool::ProgressBar& bar, std::uint64_t done, std::uint64_t failed, std::uint64_t total,
              double elapsed_s) {
             bar.draw({done, failed, total, elapsed_s}, 0);
           })
      .def("erase", &furrow::pool::ProgressBar::erase);

  py::class_<Job, std::shared_ptr<Job>>(module, "Job")
      .def(py::init(&make_job))
      .def("give", &Job::give)
      .def("draw_from", &Job::draw_from)
      .def("end_input", &Job::end_input)
      .def("fail_input", &Job::fail_input)
      .def("hungry", &Job::hungry)
      .def("take", &take)
      .def("set_key", &Job::set_key)
      .def("set_spec", [](Job& job, const py::bytes& spec) { job.set_spec(spec); })
      .def_property_readonly("over", &Job::over)
      .def_property_readonly("exhausted", &Job::exhausted)
      .def_property_readonly("settled", &Job::settled)
      .def_property_readonly("error", &Job::error)
      .def_property_readonly("results", &Job::results)
      .def_property_readonly("done", &Job::done)
      .def_property_readonly("failed", &Job::failed)
      .def_property_readonly("total", &Job::total);

  // The capsule is for furrow._mpi, and borrows the station.
  py::class_<Station, std::shared_ptr<Station>>(module, "Station")
      .def(py::init<int, py::object, py::object>())
      .def_property_readonly("cargo", [](Station& station) {
        return py::capsule(static_cast<furrow::pool::Cargo*>(&station), kCargoName);
      });

  py::class_<Crew>(module, "Crew")
      .def(py::init(&make_crew))
      .def(py::init(&make_crew_over_ranks))
      .def("open_session", &open_session)
      .def("submit", &Crew::submit)
      .def("wait", &Crew::wait)
      .def("wait_for_item", &Crew::wait_for_item)
      .def("nudge", &Crew::nudge)
      .def("tick", &Crew::tick)
      .def("serve", &Crew::serve)
      .def("cancel", &Crew::cancel)
      .def("finish", &Crew::finish)
      .def("end", &Crew::end)
      .def("pids", &Crew::pids)
      .def("living", &Crew::living)
      .def_property("names_matter", &Crew::names_matter, &Crew::set_names_matter)
      .def_property_readonly("broken", &Crew::broken)
      .def_property_readonly("ended", &Crew::ended);

  py::register_exception_translator([](std::exception_ptr problem) {
    try {
      std::rethrow_exception(problem);
    } catch (const furrow::PoolError& error) {
      const py::object type = py::module_::import("furrow._failures").attr("PoolError");
      PyErr_SetString(type.ptr(), error.what());
    }
  });
}
