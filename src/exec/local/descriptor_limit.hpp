// Room for many jobs: raises the soft limit of this process's open descriptors, as far as the hard one and
// sense allow, and puts it back at the end. Programs are to be started with the limit that was there before:
// some go through all numbers below it, and select() knows 1024.
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
  const rlimit* before() const { return is_raised_ ? &before_ : nullptr; }  // null: nothing has changed

 private:
  rlimit before_{};
  std::size_t now_;
  bool is_raised_ = false;
};

// How many pipes of attempts that have ended are kept, and how many attempts can run, with so many
// descriptors.
std::size_t leftovers_allowed(std::size_t descriptors);
std::size_t attempts_allowed(std::size_t descriptors, bool one_stream);

}  // namespace furrow::exec
