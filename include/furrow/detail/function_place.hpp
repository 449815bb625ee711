// Where a function is, said so that another process of the same program finds it, wherever its copy of the
// program was loaded. Not for direct use.
//
// Thread-safety: free for all.
#pragma once

#include <cstdint>

#include "furrow/codec.hpp"

namespace furrow::detail {

struct FunctionPlace {
  std::uint64_t module = 0;  // 0: the program itself; otherwise made from the library's build id, or its name
  std::uint64_t offset = 0;
};

// Throws std::runtime_error where ADDRESS is in nothing that was loaded, or nothing here has such a PLACE.
FunctionPlace place_of(const void* address);
void* address_at(FunctionPlace place);

template <class Function>
void write_place(Writer& writer, Function* function) {
  const FunctionPlace place = place_of(reinterpret_cast<const void*>(function));
  writer.write(&place, sizeof place);
}

template <class Function>
Function* read_place(Reader& reader) {
  FunctionPlace place;
  reader.read(&place, sizeof place);
  return reinterpret_cast<Function*>(address_at(place));
}

}  // namespace furrow::detail
