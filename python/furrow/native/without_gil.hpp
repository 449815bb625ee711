// Lets go of the GIL while it lives, for a thread that waits.
//
// A daemon thread may still wait when the interpreter ends. It cannot have the GIL any more then, and must
// not unwind through C++ (what Python does to such a thread): it stays where it is until the process is gone.
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
