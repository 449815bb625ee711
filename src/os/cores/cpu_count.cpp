#include "furrow/cpu_count.hpp"

#include "os/cores/cores.hpp"

namespace FURROW_NAMESPACE {

int cpu_count(bool logical) {
  const os::Cores usable = os::usable_cores();
  return logical ? usable.logical : usable.physical;
}

}  // namespace FURROW_NAMESPACE
