// imap over processes: a crew forked when the stream is opened, to which inputs are sent as they come.
//
// The function is there as it was then, with all its captures; inputs come later, so they have to be encoded.
// For one thread.
#pragma once

#include <memory>

#include "pool/processes/process_engine.hpp"

namespace furrow::pool {

// All but ALONE is borrowed. Throws PoolError where inputs cannot be sent.
std::unique_ptr<detail::Stream> open_process_stream(MapRun& run, const PoolOptions& options, int workers,
                                                    SegmentShelf& shelf, bool alone);

}  // namespace furrow::pool
