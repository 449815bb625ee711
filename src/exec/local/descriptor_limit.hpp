// Makes room for many jobs: raises this process's soft limit of open descriptors as far as the hard limit and
// a sensible maximum allow, and restores it at the end. Programs must be started with the original limit:
// some iterate over all descriptors below it, and select() handles only 1024.
#pragma once

#include <sys/resource.h>

#include <cstddef>

namespace furrow::exec {

class DescriptorLimit {
 public:
  DescriptorLimit();
  ~DescriptorLimit();
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

  std::size_t now() const { return now_; }
  const rlimit* before() const { return is_raised_ ? &before_ : nullptr; }  // null: the limit was not changed

 private:
  rlimit before_{};
  std::size_t now_;
  bool is_raised_ = false;
};

// With this many descriptors: how many pipes of ended attempts may be kept, and how many attempts can run.
std::size_t leftovers_allowed(std::size_t descriptors);
std::size_t attempts_allowed(std::size_t descriptors, bool one_stream);

}  // namespace furrow::exec
