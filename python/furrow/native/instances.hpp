// Which objects are nothing but a class that can be found by its name, and their __dict__: pickle would write exactly
// these two, and an object is made of them again without running code of its class.
//
// For the thread that holds the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <unordered_map>

namespace furrow::python {

namespace py = pybind11;

class PlainClasses {
 public:
  struct Place {
    py::object module{}, name{};  // of the class; null: its objects are not plain
  };
  // Null if objects of this type are not plain, or pickle would not find the type under its name.
  const Place* find(PyTypeObject* type);

 private:
  struct Known {
    unsigned version = 0;  // changes whenever the class does
    Place place{};
  };
  std::unordered_map<PyTypeObject*, Known> known_{};
};

// The class that PLACE names, imported if need be, and an object of it without attributes. Throw
// py::error_already_set.
py::object class_at(const PlainClasses::Place& place);
py::object instance_of(const py::object& kind);

}  // namespace furrow::python
