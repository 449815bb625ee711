// The end of a worker.
#pragma once

#include <functional>

namespace furrow::pool {

// Runs the finalizer of a Pool's options, if there is one. What it throws is written to standard error: nobody could
// catch it.
void run_finalizer(const std::function<void()>& finalizer, int worker) noexcept;

}  // namespace furrow::pool
