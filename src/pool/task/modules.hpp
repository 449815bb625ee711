// The files that this process was loaded from: its program and its shared libraries.
#pragma once

#include <cstdint>
#include <string>

namespace furrow::pool {

struct Module {
  std::uintptr_t base = 0;  // added to the addresses in the file
  std::uintptr_t begin = 0, end = 0;
  std::uint64_t key = 0;   // 0: the program
  std::string name{};      // empty for the program
  std::string build_id{};  // raw bytes; empty if the linker made none
};

const Module& program_module();

}  // namespace furrow::pool
