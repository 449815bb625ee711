#include "native/instances.hpp"

namespace furrow::python {

namespace {

py::object checked(PyObject* made) {
  if (!made) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

py::object attribute(PyObject* of, const char* name) {
  PyObject* const found = PyObject_GetAttrString(of, name);
  if (!found) PyErr_Clear();
  return py::reinterpret_steal<py::object>(found);
}

// 0: the class changes, or is too new to have one.
unsigned version_of(PyTypeObject* type) {
#if PY_VERSION_HEX < 0x030d0000
  if (!PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG)) return 0;
#endif
  return static_cast<unsigned>(type->tp_version_tag);
}

// Whether neither the type nor a base of it, other than object, says how its objects are made, stored or pickled.
bool is_plain(PyTypeObject* type) {
  constexpr const char* kSpecial[] = {"__slots__",    "__class__",      "__getattribute__",
                                      "__setstate__", "__getnewargs__", "__getnewargs_ex__"};
  auto* const base = reinterpret_cast<PyObject*>(&PyBaseObject_Type);
  auto* const self = reinterpret_cast<PyObject*>(type);
  if (Py_TYPE(self) != &PyType_Type || type->tp_new != PyBaseObject_Type.tp_new || type->tp_dictoffset == 0 ||
      PyType_HasFeature(type, Py_TPFLAGS_IS_ABSTRACT))
    return false;
  for (const char* each :
       {"__reduce_ex__", "__reduce__", "__getstate__"})  // the last is object's from 3.11 on
    if (attribute(self, each).ptr() != attribute(base, each).ptr()) return false;
  PyObject* const order = type->tp_mro;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(order); ++i) {
    PyObject* const each = PyTuple_GET_ITEM(order, i);
    if (each == base) continue;
    auto* const kind = reinterpret_cast<PyTypeObject*>(each);
    if (!PyType_HasFeature(kind, Py_TPFLAGS_HEAPTYPE) || !kind->tp_dict) return false;
    for (const char* name : kSpecial)
      if (PyDict_GetItemString(kind->tp_dict, name)) return false;
    PyObject* const dict = PyDict_GetItemString(kind->tp_dict, "__dict__");
    if (dict && Py_TYPE(dict) != &PyGetSetDescr_Type) return false;
  }
  return true;
}

PlainClasses::Place place_of(PyTypeObject* type) {
  auto* const self = reinterpret_cast<PyObject*>(type);
  PlainClasses::Place place{attribute(self, "__module__"), attribute(self, "__qualname__")};
  const auto is_text = [](const py::object& text) { return text && PyUnicode_CheckExact(text.ptr()); };
  if (!is_text(place.module) || !is_text(place.name)) return {};
  const bool is_nested =
      PyUnicode_FindChar(place.name.ptr(), '.', 0, PyUnicode_GET_LENGTH(place.name.ptr()), 1) != -1;
  return is_nested ? PlainClasses::Place() : place;
}

// What a module that is loaded has under the name; borrowed, or null.
PyObject* loaded_at(const PlainClasses::Place& place) {
  PyObject* const module = PyDict_GetItem(PyImport_GetModuleDict(), place.module.ptr());
  return module && PyModule_Check(module) ? PyDict_GetItem(PyModule_GetDict(module), place.name.ptr())
                                          : nullptr;
}

bool has_its_own_pickler(PyTypeObject* type) {
  static PyObject* const table =
      py::object(py::module_::import("copyreg").attr("dispatch_table")).release().ptr();  // never destroyed
  return PyDict_Contains(table, reinterpret_cast<PyObject*>(type)) != 0;
}

}  // namespace

const PlainClasses::Place* PlainClasses::find(PyTypeObject* type) {
  if (!PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) return nullptr;
  Known& known = known_[type];
  const unsigned version = version_of(type);
  if (version == 0 || version != known.version) {
    known.place = is_plain(type) ? place_of(type) : Place();
    known.version = version_of(type);  // looking at it gives it one
  }
  if (!known.place.name || loaded_at(known.place) != reinterpret_cast<PyObject*>(type)) return nullptr;
  return has_its_own_pickler(type) ? nullptr : &known.place;
}

py::object class_at(const PlainClasses::Place& place) {
  if (PyObject* const loaded = loaded_at(place)) return py::reinterpret_borrow<py::object>(loaded);
  const py::object module = checked(PyImport_Import(place.module.ptr()));
  return checked(PyObject_GetAttr(module.ptr(), place.name.ptr()));
}

py::object instance_of(const py::object& kind) {
  static PyObject* const nothing = PyTuple_New(0);
  auto* const type = reinterpret_cast<PyTypeObject*>(kind.ptr());
  if (!PyType_Check(kind.ptr()) || !type->tp_new) {
    PyErr_SetString(PyExc_TypeError, "an object from another process has no class here");
    throw py::error_already_set();
  }
  return checked(type->tp_new(type, nothing, nullptr));
}

}  // namespace furrow::python
