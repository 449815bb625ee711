// imap over processes: workers are forked when the stream is opened, and inputs are sent to them as they
// come.
//
// The workers have the function as it was when they were forked, with all its captures. The inputs come
// later, so they have to be encoded. For one thread.
#pragma once

#include <memory>

#include "pool/processes/process_engine.hpp"

namespace furrow::pool {

// All but ALONE is borrowed. Throws PoolError if inputs cannot be sent.
std::unique_ptr<detail::Stream> open_process_stream(RunningMap& run, const PoolOptions& options, int workers,
                                                    SegmentCache& cache, bool alone);

}  // namespace furrow::pool
