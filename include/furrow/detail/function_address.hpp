// The address of a function in a form that any process of the same program can resolve, wherever the program
// was loaded there. Not for direct use.
//
// Thread-safety: any thread may call these.
#pragma once

#include <cstdint>

#include "furrow/codec.hpp"
#include "furrow/detail/abi.hpp"

namespace FURROW_NAMESPACE::detail {

struct FunctionAddress {
  // 0: the program itself. Otherwise derived from the library's build id, or from its name.
  std::uint64_t module = 0;
  std::uint64_t offset = 0;
};

// These throw std::runtime_error if ADDRESS is in no loaded module, or its module is not loaded here.
FURROW_API FunctionAddress portable_address(const void* address);
FURROW_API void* local_address(FunctionAddress address);

template <class Function>
void write_function_address(Writer& writer, Function* function) {
  const FunctionAddress address = portable_address(reinterpret_cast<const void*>(function));
  writer.write(&address, sizeof address);
}

template <class Function>
Function* read_function_address(Reader& reader) {
  FunctionAddress address;
  reader.read(&address, sizeof address);
  return reinterpret_cast<Function*>(local_address(address));
}

}  // namespace FURROW_NAMESPACE::detail
