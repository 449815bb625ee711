// Releases the GIL during its lifetime, for a thread that waits.
//
// A daemon thread may still be waiting when the interpreter ends. It can no longer get the GIL then, and must
// not be unwound through C++, as Python would do; so it sleeps until the process ends.
#pragma once

#include <pybind11/pybind11.h>
#include <unistd.h>

namespace furrow::python {

class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() noexcept(false) {
    while (_Py_IsFinalizing()) ::pause();
    PyEval_RestoreThread(state_);
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* const state_;
};

}  // namespace furrow::python
