#include "exec/local/descriptor_limit.hpp"

#include <algorithm>

namespace furrow::exec {

namespace {

constexpr std::size_t kMostLeftovers = 256;
constexpr rlim_t kWanted = 65536 + 1024;
constexpr std::size_t kUsual = 1024;

}  // namespace

DescriptorLimit::DescriptorLimit() : now_(kUsual) {
  if (::getrlimit(RLIMIT_NOFILE, &before_) != 0) return;
  rlimit raised = before_;
  raised.rlim_cur = std::max(before_.rlim_cur, std::min(before_.rlim_max, kWanted));
  is_raised_ = raised.rlim_cur != before_.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &raised) == 0;
  now_ = static_cast<std::size_t>(is_raised_ ? raised.rlim_cur : before_.rlim_cur);
}

DescriptorLimit::~DescriptorLimit() {
  if (is_raised_) ::setrlimit(RLIMIT_NOFILE, &before_);
}

std::size_t leftovers_allowed(std::size_t descriptors) { return std::min(kMostLeftovers, descriptors / 8); }

std::size_t attempts_allowed(std::size_t descriptors, bool one_stream) {
  const std::size_t others = 64 + leftovers_allowed(descriptors);
  const std::size_t each = one_stream ? 3 : 5;  // a pidfd, and for each stream a pipe and a file
  return descriptors <= others + each ? 1 : (descriptors - others) / each;
}

}  // namespace furrow::exec
