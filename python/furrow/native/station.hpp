// What a crew's workers are made of: their loop in Python, and the memory for large buffers that they share
// with the process that forks them. The same wherever the workers are; for ranks it also tells values apart.
//
// Thread-safety: that of its parts; what Cargo asks needs no GIL. Owns them; lives longer than the workers'
// crew.
#pragma once

#include "native/arena_store.hpp"
#include "native/worker.hpp"
#include "pool/messages/cargo.hpp"

namespace furrow::python {

constexpr const char* kCargoName = "furrow::pool::Cargo";
constexpr const char* kRanksName = "furrow::pool::ParcelCrew";

class Station : public pool::Cargo {
 public:
  // HOOKS and BEGIN are the Worker's. Makes the arena; without one, all goes through the rings.
  Station(int workers, py::object hooks, py::object begin);
  // With an arena that another process has made; ARENA is its descriptor, or -1.
  Station(int workers, int arena, py::object hooks, py::object begin);

  BufferStore* store() { return store_.get(); }
  int arena_descriptor() const { return arena_descriptor_; }

  pool::MessageHandler& handler() override { return *worker_; }
  std::size_t measure(std::span<const std::byte> values, std::uint64_t count) override;
  void load(std::span<std::byte> values, std::vector<pool::Beside>& beside,
            std::set<std::uint64_t>* lasting) override;
  void unload(std::span<std::byte> values, std::span<const pool::Beside> beside,
              pool::LastingBuffers* lasting, std::vector<pool::Beside>& used) override;
  pool::Beside room(std::size_t size) override { return store_ ? store_->arriving(size) : pool::Beside(); }

 private:
  int arena_descriptor_ = -1;
  std::unique_ptr<ArenaStore> store_{};
  std::unique_ptr<Worker> worker_{};
};

}  // namespace furrow::python
