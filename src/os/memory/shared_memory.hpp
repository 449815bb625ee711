// Memory that several processes see at once, without a name anywhere: nothing is left behind, however they
// end.
//
// Anonymous memory passes to forked children alone; with a descriptor (memfd) it can also be handed to a
// spawned program, which attaches to it. Pages are zero until they are written. Fresh pages cost about twenty
// times as much as warm ones: keep a segment and use it again.
//
// Ownership: the object unmaps (and closes) what it holds; other processes keep their own mapping. Movable,
// not copyable. After a fork both processes have the object, each for its own mapping. Thread-safety: none
// for the object; the bytes are as safe as what the users do with them. Errors: create, attach and populate
// tell when memory is short. Pages that are only touched later can still be one too many, and the kernel then
// sends SIGBUS or calls its OOM killer: populate first where that matters. Units: bytes.
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

  // SIZE is rounded up to whole pages, one at least. From 2 MiB on the kernel is asked for huge pages.
  static Result<SharedMemory> create(std::size_t size);

  // The same behind a descriptor (close-on-exec; it cannot be made larger or smaller by anyone).
  static Result<SharedMemory> with_descriptor(std::size_t size);

  // Maps what another process made with_descriptor and passed on. FD stays the caller's.
  static Result<SharedMemory> attach(int fd);

  std::byte* data() const { return data_; }  // null where it holds nothing; page-aligned
  std::size_t size() const { return size_; }
  std::span<std::byte> bytes() const { return {data_, size_}; }
  int descriptor() const { return fd_; }  // -1 where it has none; belongs to this object
  explicit operator bool() const { return data_ != nullptr; }

  // Makes all pages that touch the range real now, and writable without a further fault. Does nothing on a
  // kernel that cannot (before 5.14).
  Result<void> populate(std::size_t offset = 0, std::size_t size = ~std::size_t{0}) const;

  // Gives the pages that lie wholly in the range back to the kernel; they read as zero again, in all
  // processes.
  Result<void> discard(std::size_t offset, std::size_t size) const;

 private:
  SharedMemory(std::byte* data, std::size_t size, int fd) : data_(data), size_(size), fd_(fd) {}
  static Result<SharedMemory> map(std::size_t size, int fd);
  void release();

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  int fd_ = -1;
};

}  // namespace furrow::os
