#include "pool/task/finalizer.hpp"

#include <cstdio>
#include <string>

#include "pool/task/failure.hpp"

namespace furrow::pool {

void run_finalizer(const std::function<void()>& finalizer, int worker) noexcept {
  if (!finalizer) return;
  try {
    finalizer();
  } catch (...) {
    const std::string line = "furrow: the finalizer failed in worker " + std::to_string(worker) + ": " +
                             current_failure().message + "\n";
    std::fputs(line.c_str(), stderr);
  }
}

}  // namespace furrow::pool
