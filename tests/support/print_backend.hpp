// How GoogleTest prints a Backend that is the parameter of a test: "threads(2)".
#pragma once

#include <ostream>

#include "furrow/backend.hpp"

namespace furrow {

inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << name(backend.kind) << '(' << backend.workers << ')';
}

}  // namespace furrow
