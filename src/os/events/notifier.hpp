// A descriptor that one thread makes readable to wake another one's poll: an eventfd, or a pipe where the system
// refuses that.
//
// notify() may be called from any thread; clear() belongs to the thread that waits. Errors: create() fails if there
// are no descriptors left.
#pragma once

#include "base/error.hpp"

namespace furrow::os {

class Notifier {
 public:
  static Result<Notifier> create();
  Notifier() = default;
  Notifier(Notifier&& other) noexcept;
  Notifier& operator=(Notifier&& other) noexcept;
  ~Notifier();

  int descriptor() const { return read_end_; }  // readable from notify() until clear()
  void notify() const;
  void clear() const;

 private:
  int read_end_ = -1;
  int write_end_ = -1;  // the same for an eventfd
};

}  // namespace furrow::os
