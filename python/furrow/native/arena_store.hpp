// Keeps large buffers of values in the pool's Arena (pool/messages/arena.hpp), and gives Python views of them.
//
// A buffer that the parent puts there stays while a chunk refers to it, and while its map may refer to it
// again: each put() counts as a use, until release(). A buffer that a worker puts there belongs to the
// parent's object.
//
// The GIL guards it. Views keep the arena alive, even after their Pool has ended.
#pragma once

#include <memory>
#include <unordered_map>

#include "native/values.hpp"
#include "pool/messages/arena.hpp"
#include "pool/messages/out_of_band_buffer.hpp"

namespace furrow::python {

// Memory of the arena with Python's buffer interface; freed when the last reference to the View is gone.
class View {
 public:
  View(std::shared_ptr<pool::Arena> arena, std::byte* data, std::uint64_t at, std::size_t size, bool readonly,
       bool is_private);
  // A view of memory that lives as long as KEEP.
  View(std::shared_ptr<void> keep, std::byte* data, std::size_t size, bool readonly);
  ~View();
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  py::buffer_info buffer() const;

 private:
  std::shared_ptr<pool::Arena> arena_{};
  std::shared_ptr<void> keep_{};
  std::byte* data_;
  const std::uint64_t at_;
  const std::size_t size_;
  const bool readonly_, is_private_;
  const pid_t owner_;  // a forked child's copy frees nothing
};

class ArenaStore : public BufferStore {
 public:
  explicit ArenaStore(std::shared_ptr<pool::Arena> arena) : arena_(std::move(arena)) {}

  std::uint64_t put(const Py_buffer& bytes) override;
  py::object get(std::uint64_t offset, std::uint64_t size, bool readonly) override;
  void enter(int worker) override;
  void use(std::vector<std::uint64_t>* offsets, SentBuffers* sent) override;
  void release(std::vector<std::uint64_t>& offsets) override;
  bool lasting() const override { return lasting_; }

  bool trim() override { return arena_->trim(); }

  // How much memory the arena keeps for reuse: while maps run, or else; and when no worker is left.
  void keep(bool maps_run) { maps_run ? arena_->busy() : arena_->rest(); }
  void end() { arena_->end(); }

  // The following are for messages between ranks. They need no GIL, but must be called by the thread that
  // calls put() and get(), and not in a worker.
  //
  // The block at OFFSET, to be sent. If a worker put it there (FROM_WORKER), the result's `keep` owns it now.
  pool::OutOfBandBuffer leaving(std::uint64_t offset, std::uint64_t size, bool from_worker);
  // A new block, to receive into.
  pool::OutOfBandBuffer arriving(std::uint64_t size);
  // From now on get() of the buffer's offset takes it over, if it is still alive.
  void arrived(const pool::OutOfBandBuffer& buffer) { arrived_[buffer.at] = buffer.keep; }

 private:
  std::shared_ptr<void> freeing(std::uint64_t offset) const;
  std::shared_ptr<pool::Arena> arena_;
  bool in_worker_ = false;
  bool lasting_ = false;
  std::vector<std::uint64_t>* offsets_ = nullptr;
  SentBuffers* sent_ = nullptr;
  std::unordered_map<std::uint64_t, int> uses_{};
  // Buffers from other ranks, in this process's region.
  std::unordered_map<std::uint64_t, std::weak_ptr<void>> arrived_{};
};

}  // namespace furrow::python
