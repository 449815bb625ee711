// Large buffers of values in the crew's Arena (pool/messages/arena.hpp), and those memories as Python
// objects.
//
// What the parent puts there is needed by the chunks that refer to it, and by the job that may refer to it
// again: each use() counts, until release(). What a worker puts there belongs to the parent's object.
//
// The GIL guards it. Views keep the arena, also beyond the end of their Pool.
#pragma once

#include <memory>
#include <unordered_map>

#include "native/values.hpp"
#include "pool/messages/arena.hpp"
#include "pool/messages/beside.hpp"

namespace furrow::python {

// Memory of the arena with Python's buffer interface; given back when nobody refers to it.
class View {
 public:
  View(std::shared_ptr<pool::Arena> arena, std::byte* data, std::uint64_t at, std::size_t size, bool readonly,
       bool is_private);
  // Of memory that KEEP gives back.
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
  const pid_t owner_;  // a forked child's copy gives nothing back
};

class ArenaStore : public BufferStore {
 public:
  explicit ArenaStore(std::shared_ptr<pool::Arena> arena) : arena_(std::move(arena)) {}

  std::uint64_t put(const Py_buffer& bytes) override;
  py::object get(std::uint64_t place, std::uint64_t size, bool readonly) override;
  void enter(int worker) override;
  void use(std::vector<std::uint64_t>* places, SentBuffers* sent) override;
  void release(std::vector<std::uint64_t>& places) override;
  bool lasting() const override { return lasting_; }

  // Between ranks, without the GIL but by the one thread that puts and gets, and not in a worker.
  // A block that was put here, or that a worker has put; the latter is ours then, for as long as KEEP.
  pool::Beside leaving(std::uint64_t place, std::uint64_t size, bool from_worker);
  // One for what comes.
  pool::Beside arriving(std::uint64_t size);
  // get() of its place keeps it from now on, if anybody still does.
  void arrived(const pool::Beside& beside) { arrived_[beside.at] = beside.keep; }

 private:
  std::shared_ptr<void> freeing(std::uint64_t place) const;
  std::shared_ptr<pool::Arena> arena_;
  bool in_worker_ = false;
  bool lasting_ = false;
  std::vector<std::uint64_t>* places_ = nullptr;
  SentBuffers* sent_ = nullptr;
  std::unordered_map<std::uint64_t, int> uses_{};
  std::unordered_map<std::uint64_t, std::weak_ptr<void>> arrived_{};  // from other ranks, in our own region
};

}  // namespace furrow::python
