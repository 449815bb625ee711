// Informs Python of a fork that happens during this object's lifetime. For the thread that holds the GIL.
#pragma once

#include <pybind11/pybind11.h>

namespace furrow::python {

class Fork {
 public:
  Fork() { PyOS_BeforeFork(); }
  ~Fork() { PyOS_AfterFork_Parent(); }
  Fork(const Fork&) = delete;
  Fork& operator=(const Fork&) = delete;
};

}  // namespace furrow::python
