#include "furrow/detail/function_address.hpp"

#include <elf.h>
#include <link.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "pool/task/modules.hpp"

namespace furrow::pool {

namespace {

constexpr std::size_t kNoteAlignment = 4;

std::size_t padded(std::size_t size) { return (size + kNoteAlignment - 1) / kNoteAlignment * kNoteAlignment; }

// The build id among the ELF notes in BYTES; empty if there is none.
std::string_view build_id_in(std::string_view bytes) {
  while (bytes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) head;
    std::memcpy(&head, bytes.data(), sizeof head);
    const std::size_t name_at = sizeof head;
    const std::size_t body_at = name_at + padded(head.n_namesz);
    const std::size_t end = body_at + padded(head.n_descsz);
    if (end > bytes.size()) return {};
    if (head.n_type == NT_GNU_BUILD_ID &&
        bytes.substr(name_at, head.n_namesz) == std::string_view("GNU\0", 4))
      return bytes.substr(body_at, head.n_descsz);
    bytes.remove_prefix(end);
  }
  return {};
}

Module module_of(const dl_phdr_info& info, bool program) {
  Module module;
  module.base = info.dlpi_addr;
  module.name = info.dlpi_name;
  module.begin = ~std::uintptr_t{0};
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info.dlpi_phdr[i];
    const std::uintptr_t begin = info.dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD) {
      module.begin = std::min(module.begin, begin);
      module.end = std::max<std::uintptr_t>(module.end, begin + header.p_memsz);
    } else if (header.p_type == PT_NOTE && module.build_id.empty()) {
      module.build_id = build_id_in({reinterpret_cast<const char*>(begin), header.p_memsz});
    }
  }
  if (!program) module.key = hash64(module.build_id.empty() ? module.name : module.build_id) | 1;
  return module;
}

// A table never changes, and old ones are kept until the program ends, since another thread may read them.
struct Table {
  std::vector<Module> modules{};
  const Table* before = nullptr;
};
std::atomic<const Table*> newest{nullptr};

const Table* look_again() {
  auto table = std::make_unique<Table>();
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* into) {
        auto& modules = *static_cast<std::vector<Module>*>(into);
        modules.push_back(module_of(*info, modules.empty()));  // the program comes first
        return 0;
      },
      &table->modules);
  table->before = newest.load();
  while (!newest.compare_exchange_weak(table->before, table.get())) {
  }
  return table.release();
}

// The first module for which FITS is true. If there is none, looks again for modules loaded in the meantime.
template <class Fits>
const Module* find_module(const Fits& fits) {
  const Table* table = newest.load();
  for (bool fresh = false;; fresh = true) {
    if (fresh || !table) table = look_again();
    for (const Module& each : table->modules)
      if (fits(each)) return &each;
    if (fresh) return nullptr;
  }
}

}  // namespace

const Module& program_module() {
  return *find_module([](const Module& each) { return each.key == 0; });
}

}  // namespace furrow::pool

namespace FURROW_NAMESPACE::detail {

FunctionAddress portable_address(const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const auto* module =
      pool::find_module([&](const pool::Module& each) { return at >= each.begin && at < each.end; });
  if (!module) throw std::runtime_error("a function that was not loaded from a file cannot be sent");
  return {module->key, at - module->base};
}

void* local_address(FunctionAddress address) {
  const auto* module =
      pool::find_module([&](const pool::Module& each) { return each.key == address.module; });
  if (!module)
    throw std::runtime_error(
        "the function is in a library that this process has not loaded: load it before the Pool is made");
  return reinterpret_cast<void*>(module->base + address.offset);
}

}  // namespace FURROW_NAMESPACE::detail
