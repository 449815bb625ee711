// What the worker processes of a pool need: their Python loop, and the memory for large buffers that they
// share with the process that forks them. It is the same for local workers and for those of a rank; for ranks
// it also finds the values and the buffers in encoded bytes (PayloadCodec).
//
// Thread-safety: that of its parts; the functions of PayloadCodec need no GIL. Owns its parts, and must
// outlive the workers.
#pragma once

#include "native/arena_store.hpp"
#include "native/worker.hpp"
#include "pool/messages/payload_codec.hpp"

namespace furrow::python {

constexpr const char* kPayloadCodecName = "furrow::pool::PayloadCodec";
constexpr const char* kRanksName = "furrow::pool::ChunkWorkers";

class WorkerRuntime : public pool::PayloadCodec {
 public:
  // HOOKS and BEGIN: as for Worker. Makes the arena; if that fails, everything goes through the rings.
  WorkerRuntime(int workers, py::object hooks, py::object begin);
  // Uses an arena that another process has made: ARENA is its descriptor, or -1 for none.
  WorkerRuntime(int workers, int arena, py::object hooks, py::object begin);

  BufferStore* store() { return store_.get(); }
  int arena_descriptor() const { return arena_descriptor_; }
  // How much memory is kept for large buffers: while maps run, or else; and when no worker is left.
  void keep_memory(bool maps_run) override {
    if (store_) store_->keep(maps_run);
  }
  void end_memory() {
    if (store_) store_->end();
  }

  pool::MessageHandler& handler() override { return *worker_; }
  std::size_t measure(std::span<const std::byte> values, std::uint64_t count) override;
  void load(std::span<std::byte> values, std::vector<pool::OutOfBandBuffer>& buffers,
            std::set<std::uint64_t>* lasting) override;
  void unload(std::span<std::byte> values, std::span<const pool::OutOfBandBuffer> buffers,
              pool::LastingBuffers* lasting, std::vector<pool::OutOfBandBuffer>& used) override;
  pool::OutOfBandBuffer room(std::size_t size) override {
    return store_ ? store_->arriving(size) : pool::OutOfBandBuffer();
  }

 private:
  int arena_descriptor_ = -1;
  std::unique_ptr<ArenaStore> store_{};
  std::unique_ptr<Worker> worker_{};
};

}  // namespace furrow::python
