#include "native/arena_store.hpp"

#include <unistd.h>

#include <stdexcept>

namespace furrow::python {

namespace {

constexpr std::size_t kWorthTheGil = std::size_t{1} << 20;  // larger copies release the GIL

void copy(std::byte* to, const Py_buffer& from) {
  const auto size = static_cast<std::size_t>(from.len);
  if (size < kWorthTheGil) {
    std::memcpy(to, from.buf, size);
    return;
  }
  const py::gil_scoped_release released;
  std::memcpy(to, from.buf, size);
}

py::object copied(const std::byte* bytes, std::size_t size, bool readonly) {
  const auto* const from = reinterpret_cast<const char*>(bytes);
  const auto length = static_cast<Py_ssize_t>(size);
  auto copy = py::reinterpret_steal<py::object>(readonly ? PyBytes_FromStringAndSize(from, length)
                                                         : PyByteArray_FromStringAndSize(from, length));
  if (!copy) throw py::error_already_set();
  return copy;
}

}  // namespace

View::View(std::shared_ptr<pool::Arena> arena, std::byte* data, std::uint64_t at, std::size_t size,
           bool readonly, bool is_private)
    : arena_(std::move(arena)),
      data_(data),
      at_(at),
      size_(size),
      readonly_(readonly),
      is_private_(is_private),
      owner_(::getpid()) {}

View::View(std::shared_ptr<void> keep, std::byte* data, std::size_t size, bool readonly)
    : keep_(std::move(keep)),
      data_(data),
      at_(0),
      size_(size),
      readonly_(readonly),
      is_private_(false),
      owner_(::getpid()) {}

View::~View() {
  if (owner_ != ::getpid() || !arena_) return;
  if (is_private_)
    arena_->drop(data_, at_, size_);
  else
    arena_->free(at_);
}

py::buffer_info View::buffer() const {
  return py::buffer_info(reinterpret_cast<unsigned char*>(data_), static_cast<py::ssize_t>(size_), readonly_);
}

void ArenaStore::enter(int worker) {
  in_worker_ = true;
  uses_.clear();
  arena_->enter(worker + 1);
}

void ArenaStore::use(std::vector<std::uint64_t>* offsets, SentBuffers* sent) {
  offsets_ = offsets;
  sent_ = sent;
}

std::uint64_t ArenaStore::put(const Py_buffer& bytes) {
  lasting_ = false;
  const SentBuffers::Key key{bytes.buf, static_cast<std::size_t>(bytes.len), bytes.readonly};
  std::uint64_t at = kNowhere;
  if (const auto known = sent_ ? sent_->offsets.find(key) : decltype(sent_->offsets)::iterator{};
      sent_ && known != sent_->offsets.end()) {
    at = known->second;
    lasting_ = true;
  } else {
    const pool::Arena::Block block = arena_->make(static_cast<std::size_t>(bytes.len));
    if (!block) return kNowhere;
    copy(block.data, bytes);
    at = block.at;
    if (sent_ && bytes.obj) {
      sent_->offsets.emplace(key, at);
      sent_->held.push_back(at);
      sent_->owners.push_back(py::reinterpret_borrow<py::object>(bytes.obj));
      ++uses_[at];
      lasting_ = true;
    }
  }
  if (!in_worker_) ++uses_[at];
  if (offsets_) offsets_->push_back(at);
  return at;
}

py::object ArenaStore::get(std::uint64_t offset, std::uint64_t size, bool readonly) {
  if (const auto found = arrived_.find(offset); found != arrived_.end()) {
    std::shared_ptr<void> keep = found->second.lock();
    arrived_.erase(found);
    std::byte* const data = keep ? arena_->whole(offset, size) : nullptr;
    if (data) return py::cast(std::make_shared<View>(std::move(keep), data, size, readonly));
  }
  std::byte* const data = in_worker_ ? arena_->view(offset, size) : arena_->receive(offset, size);
  if (!data && in_worker_) {
    if (const std::byte* const bytes = arena_->whole(offset, size)) return copied(bytes, size, readonly);
  }
  if (!data) {
    PyErr_SetString(PyExc_MemoryError, "a large buffer from another process cannot be mapped");
    throw py::error_already_set();
  }
  return py::cast(std::make_shared<View>(arena_, data, offset, size, readonly, in_worker_));
}

// Frees the block when the last copy is gone, except in a forked child.
std::shared_ptr<void> ArenaStore::freeing(std::uint64_t offset) const {
  return std::shared_ptr<void>(arena_.get(), [arena = arena_, offset, owner = ::getpid()](void*) {
    if (owner == ::getpid()) arena->free(offset);
  });
}

pool::OutOfBandBuffer ArenaStore::leaving(std::uint64_t offset, std::uint64_t size, bool from_worker) {
  std::byte* const data = from_worker ? arena_->receive(offset, size) : arena_->whole(offset, size);
  if (!data) throw std::runtime_error("a large buffer cannot be mapped");
  return {data, size, offset, from_worker ? freeing(offset) : nullptr};
}

pool::OutOfBandBuffer ArenaStore::arriving(std::uint64_t size) {
  const pool::Arena::Block block = arena_->make(size);
  if (!block) return {};
  return {block.data, size, block.at, freeing(block.at)};
}

void ArenaStore::release(std::vector<std::uint64_t>& offsets) {
  for (const std::uint64_t at : offsets) {
    if (in_worker_) {
      arena_->free(at);
      continue;
    }
    const auto found = uses_.find(at);
    if (found == uses_.end() || --found->second > 0) continue;
    uses_.erase(found);
    arena_->free(at);
  }
  offsets.clear();
}

}  // namespace furrow::python
