#include "exec/descriptor_limit.hpp"

#include <algorithm>

namespace furrow::exec {

namespace {
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

}  // namespace furrow::exec
