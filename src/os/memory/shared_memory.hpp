// Memory that several processes share. It has no name, so nothing is left behind however the processes end.
//
// Anonymous memory is passed to forked children only. Memory with a descriptor (memfd) can also be passed to
// a spawned program, which attaches to it. Pages are zero until they are written. Fresh pages cost about
// twenty times as much as warm ones: keep a segment and use it again.
//
// Ownership: the object unmaps (and closes) what it holds; other processes keep their own mapping. Movable,
// not copyable. After a fork both processes have the object, each for its own mapping. Thread-safety: the
// object has none; access to the bytes is up to the users. Errors: create, attach and populate report when
// memory is short. Memory can also run out later, when a page is first touched; the kernel then sends SIGBUS
// or calls its OOM killer. Call populate first where that matters. Units: bytes.
#pragma once

#include <cstddef>
#include <span>

#include "base/error.hpp"

namespace furrow::os {

std::size_t page_size();

class SharedMemory {
 public:
  SharedMemory() = default;  // holds nothing
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  ~SharedMemory();

  // SIZE is rounded up to whole pages, at least one. From 2 MiB on, the kernel is asked for huge pages.
  static Result<SharedMemory> create(std::size_t size);

  // The same with a descriptor (close-on-exec; nobody can change the size).
  static Result<SharedMemory> with_descriptor(std::size_t size);

  // Maps the memory that another process created with with_descriptor and passed on. FD stays the caller's.
  static Result<SharedMemory> attach(int fd);

  std::byte* data() const { return data_; }  // null if it holds nothing; page-aligned
  std::size_t size() const { return size_; }
  std::span<std::byte> bytes() const { return {data_, size_}; }
  int descriptor() const { return fd_; }  // -1 if it has none; owned by this object
  explicit operator bool() const { return data_ != nullptr; }

  // Backs all pages that touch the range with memory now, so that writing to them causes no page fault. Does
  // nothing on kernels before 5.14.
  Result<void> populate(std::size_t offset = 0, std::size_t size = ~std::size_t{0}) const;

 private:
  SharedMemory(std::byte* data, std::size_t size, int fd) : data_(data), size_(size), fd_(fd) {}
  static Result<SharedMemory> map(std::size_t size, int fd);
  void release();

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  int fd_ = -1;
};

}  // namespace furrow::os
